//! Tests on network addresses (`ansible.utils`).

use super::{TEST, Test};
use crate::template::filters::{as_text, is_address};

const UTILS: &str = "ansible.utils";

pub const TESTS: &[Test] = &[
    Test {
        name: "ip",
        aliases: &["ip_address"],
        collection: UTILS,
        summary: "An address or network.",
        example: "'10.0.0.1' is ansible.utils.ip",
        run: |cx, v, _| Ok(is_address(&as_text(cx, v)?, None)),
        ..TEST
    },
    Test {
        name: "ipv4",
        aliases: &["ipv4_address"],
        collection: UTILS,
        summary: "An IPv4 address or network.",
        example: "'10.0.0.1' is ansible.utils.ipv4",
        run: |cx, v, _| Ok(is_address(&as_text(cx, v)?, Some(4))),
        ..TEST
    },
    Test {
        name: "ipv6",
        aliases: &["ipv6_address"],
        collection: UTILS,
        summary: "An IPv6 address or network.",
        example: "'::1' is ansible.utils.ipv6",
        run: |cx, v, _| Ok(is_address(&as_text(cx, v)?, Some(6))),
        ..TEST
    },
];
