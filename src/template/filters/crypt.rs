//! Vault text by a given secret.

use super::{FILTER, Filter, optional, required};
use crate::template::runtime::{Args, Cx, Fault, Res, V};
use crate::value::Text;

pub const FILTERS: &[Filter] = &[
    Filter {
        name: "vault",
        summary: "Text as vault text, by a given secret.",
        params: &[
            required("secret", "str"),
            optional("salt", "str", "random"),
            optional("vault_id", "str", "'filter_default'"),
            optional("wrap_object", "bool", "False"),
        ],
        example: ("'a' is string", "True"),
        run: vault,
        ..FILTER
    },
    Filter {
        name: "unvault",
        summary: "The text that vault text holds, by a given secret; other text stays.",
        params: &[required("secret", "str"), optional("vault_id", "str", "'filter_default'")],
        takes_undefined: true,
        example: ("'plain' | unvault('secret')", "'plain'"),
        run: unvault,
        ..FILTER
    },
];

fn vault(cx: &Cx, v: V, args: Args) -> Res {
    let secret = args.value("secret");
    let (Some(data), Some(secret)) = (v.as_str(), secret.as_str()) else {
        return Err(Fault::raw(format!("Can only vault strings, instead we got <class '{}'>.", v.type_name())));
    };
    let engine = cx.engine.vault.as_ref().ok_or_else(|| Fault::raw("no vault is available"))?;
    let id = args.text_or(cx, "vault_id", "filter_default")?;
    let salt = args.text(cx, "salt")?;
    let wrap = args.flag("wrap_object", false)?;
    engine
        .encrypt(data.as_bytes(), secret, salt.as_deref(), Some(&id))
        .map(Text::foreign)
        .map(|t| V::Str(if wrap { t.secret() } else { t }))
        .map_err(|e| Fault::raw(format!("Unable to encrypt: {e}")))
}

fn unvault(cx: &Cx, v: V, args: Args) -> Res {
    let v = match &v {
        V::Undef(fault) => V::str(fault.ciphertext.clone().ok_or_else(|| fault.clone())?),
        _ => v,
    };
    let secret = args.value("secret").trip()?;
    let (Some(data), Some(secret)) = (v.as_str(), secret.as_str()) else {
        return Err(Fault::raw(format!(
            "Vault should be in the form of a string, instead we got <class '{}'>.",
            v.type_name()
        )));
    };
    if !data.starts_with("$ANSIBLE_VAULT") {
        return Ok(v);
    }
    let engine = cx.engine.vault.as_ref().ok_or_else(|| Fault::raw("no vault is available"))?;
    let plain = engine.decrypt_with(data, secret).map_err(|e| Fault::raw(format!("Unable to decrypt: {e}")))?;
    let text = String::from_utf8(plain).map_err(|_| Fault::raw("the plaintext is not UTF-8"))?;
    Ok(V::Str(Text::foreign(text).secret()))
}
