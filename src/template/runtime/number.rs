//! Python's numbers: integers without limit, floats, booleans as integers.

use super::{Fault, Res, V};
use crate::template::syntax::BinOp;
use num_bigint::BigInt;
use std::cmp::Ordering;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub enum Num {
    Int(i64),
    Big(Arc<BigInt>),
    Float(f64),
}

/// Results of `**`, `*` and `<<` beyond this many bits are refused rather than computed for minutes.
const MAX_BITS: u64 = 1 << 22;

impl Num {
    pub fn of(v: &V) -> Option<Num> {
        Some(match v {
            V::Bool(b) => Num::Int(i64::from(*b)),
            V::Int(i) => Num::Int(*i),
            V::Big(i) => Num::Big(i.clone()),
            V::Float(f) => Num::Float(*f),
            _ => return None,
        })
    }
    pub fn as_f64(&self) -> f64 {
        match self {
            Num::Int(i) => *i as f64,
            Num::Big(i) => big_to_f64(i),
            Num::Float(f) => *f,
        }
    }
    fn big(&self) -> Option<BigInt> {
        match self {
            Num::Int(i) => Some(BigInt::from(*i)),
            Num::Big(i) => Some((**i).clone()),
            Num::Float(_) => None,
        }
    }
    pub fn cmp(&self, other: &Num) -> Option<Ordering> {
        match (self, other) {
            (Num::Int(a), Num::Int(b)) => Some(a.cmp(b)),
            (Num::Float(_), _) | (_, Num::Float(_)) => self.as_f64().partial_cmp(&other.as_f64()),
            _ => Some(self.big()?.cmp(&other.big()?)),
        }
    }
    pub fn op(op: BinOp, a: &Num, b: &Num) -> Res {
        if let (Num::Int(x), Num::Int(y)) = (a, b) {
            let quick = match op {
                BinOp::Add => x.checked_add(*y),
                BinOp::Sub => x.checked_sub(*y),
                BinOp::Mul => x.checked_mul(*y),
                BinOp::FloorDiv if *y != 0 => floor_div(*x, *y),
                BinOp::Mod if *y != 0 => floor_mod(*x, *y),
                BinOp::Pow if *y >= 0 => u32::try_from(*y).ok().and_then(|y| x.checked_pow(y)),
                _ => None,
            };
            if let Some(i) = quick {
                return Ok(V::Int(i));
            }
        }
        if let (Some(x), Some(y)) = (a.big(), b.big()) {
            return big_op(op, &x, &y, a, b);
        }
        float_op(op, a.as_f64(), b.as_f64())
    }
}

fn floor_div(x: i64, y: i64) -> Option<i64> {
    let q = x.checked_div(y)?;
    Some(if x % y != 0 && (x < 0) != (y < 0) { q - 1 } else { q })
}
fn floor_mod(x: i64, y: i64) -> Option<i64> {
    let r = x.checked_rem(y)?;
    Some(if r != 0 && (r < 0) != (y < 0) { r + y } else { r })
}

fn big_op(op: BinOp, x: &BigInt, y: &BigInt, a: &Num, b: &Num) -> Res {
    let zero = BigInt::from(0);
    Ok(V::big(match op {
        BinOp::Add => x + y,
        BinOp::Sub => x - y,
        BinOp::Mul => {
            if x.bits() + y.bits() > MAX_BITS {
                return Err(Fault::raw("integer is too large"));
            }
            x * y
        }
        BinOp::Div => {
            if *y == zero {
                return Err(Fault::raw("division by zero"));
            }
            return Ok(V::Float(a.as_f64() / b.as_f64()));
        }
        BinOp::FloorDiv | BinOp::Mod => {
            if *y == zero {
                let what =
                    if op == BinOp::Mod { "integer modulo by zero" } else { "integer division or modulo by zero" };
                return Err(Fault::raw(what));
            }
            let (mut q, mut r) = (x / y, x % y);
            if r != zero && (r < zero) != (*y < zero) {
                q -= 1;
                r += y;
            }
            if op == BinOp::Mod { r } else { q }
        }
        BinOp::Pow => {
            if *y < zero {
                return float_op(op, a.as_f64(), b.as_f64());
            }
            let exponent = u32::try_from(y).map_err(|_| Fault::raw("integer is too large"))?;
            if x.bits().saturating_mul(u64::from(exponent)) > MAX_BITS {
                return Err(Fault::raw("integer is too large"));
            }
            x.pow(exponent)
        }
    }))
}

fn float_op(op: BinOp, x: f64, y: f64) -> Res {
    Ok(V::Float(match op {
        BinOp::Add => x + y,
        BinOp::Sub => x - y,
        BinOp::Mul => x * y,
        BinOp::Div if y == 0.0 => return Err(Fault::raw("float division by zero")),
        BinOp::Div => x / y,
        BinOp::FloorDiv if y == 0.0 => return Err(Fault::raw("float floor division by zero")),
        BinOp::FloorDiv => ((x - float_mod(x, y)) / y).round(),
        BinOp::Mod if y == 0.0 => return Err(Fault::raw("float modulo")),
        BinOp::Mod => float_mod(x, y),
        BinOp::Pow if x == 0.0 && y < 0.0 => {
            return Err(Fault::raw("0.0 cannot be raised to a negative power"));
        }
        BinOp::Pow => x.powf(y),
    }))
}

fn float_mod(x: f64, y: f64) -> f64 {
    let r = x % y;
    if r != 0.0 && (r < 0.0) != (y < 0.0) { r + y } else { r }
}

pub fn big_to_f64(i: &BigInt) -> f64 {
    i.to_string().parse().unwrap_or(f64::INFINITY)
}

/// `int(x)` of a float: towards zero.
pub fn float_to_int(f: f64) -> Option<V> {
    if !f.is_finite() {
        return None;
    }
    let f = f.trunc();
    if f.abs() < 9e18 {
        return Some(V::Int(f as i64));
    }
    BigInt::parse_bytes(format!("{f:.0}").as_bytes(), 10).map(V::big)
}
