//! The json_query filter: JMESPath.

use super::jmespath;
use super::{FILTER, Filter, as_text, required};
use crate::template::runtime::Fault;

pub const FILTERS: &[Filter] = &[Filter {
    name: "json_query",
    collection: "community.general",
    summary: "What a JMESPath expression selects.",
    params: &[required("expr", "str")],
    example: ("[{'a': 1}, {'a': 2}] | community.general.json_query('[?a > `1`].a')", "[2]"),
    run: |cx, v, args| {
        let expr = as_text(cx, &args.value("expr"))?;
        let parsed = jmespath::parse(&expr)
            .map_err(|e| Fault::raw(format!("JMESPathError in json_query filter plugin:\n{e}")))?;
        jmespath::search(cx, &parsed, &v)
    },
    ..FILTER
}];
