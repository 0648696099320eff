//! What must hold for every text and every value.

use super::{DumpOptions, Node, NodeKind, dump, parse_value, read, read_one};
use crate::diag::SourceMap;
use crate::value::{Map, Trust, Value};
use proptest::prelude::*;

/// Text that is likely to mean something to YAML.
fn yamlish() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("a".to_owned()),
        Just("é".to_owned()),
        Just("😀".to_owned()),
        "[ \t\n\r:,?#|>&*!%@`'\"{}\\[\\]<=~.-]",
        prop::sample::select(vec![
            "- ",
            ": ",
            "\n  ",
            "\n",
            "---\n",
            "...\n",
            "<<: ",
            "*a",
            "&a ",
            "!!str ",
            "!!set ",
            "!unsafe ",
            "!vault ",
            "|\n",
            ">-\n",
            "1:30",
            "0x1",
            "2024-01-02",
            "yes",
            "\"\\u00e9\"",
            "\"\\x",
            "{{ x }}",
            "\u{feff}",
            "\u{85}",
            "\u{2028}",
            "\r\n",
            "\0",
            "\u{7}",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("NaN differs from itself", |f| !f.is_nan()).prop_map(Value::from),
        ".{0,60}".prop_map(Value::from),
        "(?s).{0,200}".prop_map(Value::from),
        "[a-z ]{60,200}".prop_map(Value::from),
        "[ \na:#'\"\\\\-]{0,30}".prop_map(Value::from),
        yamlish().prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..80).prop_map(|b| Value::Bytes(b.into())),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::list),
            prop::collection::vec((yamlish(), inner), 0..6)
                .prop_map(|entries| Value::map(entries.into_iter().map(|(k, v)| (k.into(), v)).collect::<Map>())),
        ]
    })
}

fn spans_fit(node: &Node, text: &str) -> bool {
    let fits = text.get(node.span.start as usize..node.span.end as usize).is_some();
    fits && match &node.kind {
        NodeKind::Seq(items) => items.iter().all(|n| spans_fit(n, text)),
        NodeKind::Map(entries) => entries.iter().all(|(k, v)| spans_fit(k, text) && spans_fit(v, text)),
        _ => true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn reading_any_text_gives_data_or_a_placed_fault(text in prop_oneof![yamlish(), "(?s).{0,60}"]) {
        let sources = SourceMap::default();
        match read_one(&sources, "t.yml", &text) {
            Ok(document) => {
                let parsed = sources.file(document.file).expect("registered").text.clone();
                prop_assert!(document.root.iter().all(|n| spans_fit(n, &parsed)));
                for warning in &document.warnings {
                    prop_assert!(warning.labels.iter().all(|l| sources.text(l.span).is_some()));
                }
            }
            Err(fault) => prop_assert!(
                !fault.labels.is_empty() && fault.labels.iter().all(|l| sources.text(l.span).is_some()),
                "{fault:?}"
            ),
        }
        let _ = read(&sources, "t.yml", &text);
        let _ = parse_value(&text, Trust::Foreign);
    }

    #[test]
    fn what_is_written_reads_back_the_same(value in value(), nice in any::<bool>(), width in 10i64..100, unicode in any::<bool>()) {
        let base = if nice { DumpOptions::nice() } else { DumpOptions::default() };
        let text = dump(&value, &DumpOptions { width, allow_unicode: unicode, ..base });
        let back = parse_value(&text, Trust::Foreign);
        prop_assert!(back.as_ref() == Ok(&value), "{text:?}\n{back:?}");
    }
}
