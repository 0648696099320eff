//! Methods of Python's types.

mod dict;
mod list;
mod string;

pub use string::split_lines;

use super::{Call, Cx, Fault, Object, Res, V};
use std::any::Any;
use std::sync::Arc;

const BYTES: &[&str] = &["decode", "hex"];
const TUPLE: &[&str] = &["count", "index"];
const INT: &[&str] = &["bit_length", "__and__", "__or__", "__xor__", "__lshift__", "__rshift__"];
const FLOAT: &[&str] = &["is_integer"];

/// Whether a value has a method of that name.
pub fn exists(of: &V, name: &str) -> bool {
    let table: &[&str] = match of {
        V::Str(_) => string::NAMES,
        V::List(_) => list::NAMES,
        V::Tuple(_) => TUPLE,
        V::Dict(_) => dict::NAMES,
        V::Bytes(_) => BYTES,
        V::Int(_) | V::Big(_) | V::Bool(_) => INT,
        V::Float(_) => FLOAT,
        _ => return false,
    };
    table.contains(&name)
}

/// Calls a method that [`exists`].
pub fn call(cx: &Cx, of: &V, name: &str, args: &Call) -> Res {
    match of {
        V::Str(t) => {
            let out = string::call(cx, t, name, args)?;
            Ok(match out {
                V::Str(text) if t.is_secret() => V::Str(text.secret()),
                out => out,
            })
        }
        V::List(l) => list::call(cx, l, name, args),
        V::Tuple(t) => list::read(cx, t, name, args),
        V::Dict(d) => dict::call(cx, d, name, args),
        V::Bytes(b) => match name {
            "decode" => match String::from_utf8(b.to_vec()) {
                Ok(text) => Ok(V::str(text)),
                Err(e) => Err(Fault::raw(format!(
                    "'utf-8' codec can't decode byte 0x{:02x} in position {}: invalid start byte",
                    b[e.utf8_error().valid_up_to()],
                    e.utf8_error().valid_up_to()
                ))),
            },
            _ => Ok(V::str(hex::encode(b))),
        },
        V::Int(_) | V::Bool(_) => {
            let i = int(of);
            let other = args.pos.first().map_or(0, int);
            let shift = u32::try_from(other).ok();
            match name {
                "__and__" => Ok(V::Int(i & other)),
                "__or__" => Ok(V::Int(i | other)),
                "__xor__" => Ok(V::Int(i ^ other)),
                "__lshift__" => match shift.filter(|s| *s < 100_000) {
                    Some(s) => Ok(V::big(num_bigint::BigInt::from(i) << s)),
                    None => Err(Fault::raw("negative shift count")),
                },
                "__rshift__" => match shift {
                    Some(s) => Ok(V::Int(if s > 63 { if i < 0 { -1 } else { 0 } } else { i >> s })),
                    None => Err(Fault::raw("negative shift count")),
                },
                _ => Ok(V::Int(i64::from(64 - i.unsigned_abs().leading_zeros()))),
            }
        }
        V::Big(i) => Ok(V::Int(i.bits() as i64)),
        V::Float(f) => Ok(V::Bool(f.fract() == 0.0)),
        _ => Err(Fault::raw(format!("'{}' object has no method '{name}'", of.type_name()))),
    }
}

fn int(v: &V) -> i64 {
    match v {
        V::Int(i) => *i,
        V::Bool(b) => i64::from(*b),
        _ => 0,
    }
}

/// `real`, `imag`, … of numbers.
pub fn number_attribute(of: &V, name: &str) -> Option<V> {
    match name {
        "real" | "numerator" => Some(of.clone()),
        "imag" => Some(V::Int(0)),
        "denominator" => Some(V::Int(1)),
        _ => None,
    }
}

/// A method that was named but not called.
pub struct Bound {
    pub of: V,
    pub name: Arc<str>,
}

impl Object for Bound {
    fn type_name(&self) -> &str {
        "builtin_function_or_method"
    }
    fn repr(&self, _: &Cx) -> Res<String> {
        Ok(format!("<built-in method {} of {} object>", self.name, self.of.type_name()))
    }
    fn callable(&self) -> bool {
        true
    }
    fn call(&self, cx: &Cx, args: Call) -> Res {
        call(cx, &self.of, &self.name, &args)
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The n-th argument, positional or by name.
fn argument<'a>(args: &'a Call, n: usize, name: &str) -> Option<&'a V> {
    args.pos.get(n).or_else(|| args.named.iter().find(|(k, _)| &**k == name).map(|(_, v)| v))
}

fn required<'a>(args: &'a Call, n: usize, method: &str) -> Res<&'a V> {
    args.pos
        .get(n)
        .ok_or_else(|| Fault::raw(format!("{method}() takes at least {} argument ({} given)", n + 1, args.pos.len())))
}

/// `str.split` with its arguments.
pub fn split(text: &str, args: &Call) -> Res {
    string::split(text, "split", args)
}
