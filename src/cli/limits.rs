//! The limit of open files, raised where many hosts want connections: the soft limit of most machines is 1,024.

use crate::diag::{Code, Diagnostic};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What is open besides connections, with room to spare.
const OTHERS: u64 = 256;
/// For one host: a connection, or the three pipes of a local program while it starts.
const EACH: u64 = 4;

/// Makes room for connections to so many hosts at once. A warning where the machine does not allow it.
pub fn allow(hosts: usize) -> Option<Diagnostic> {
    let limit = getrlimit(Resource::Nofile);
    let (wanted, raised) = raise(hosts as u64, &limit)?;
    if let Some(raised) = raised {
        // Where it fails, hosts without a connection say so.
        let _ = setrlimit(Resource::Nofile, raised);
    }
    let hard = limit.maximum.filter(|hard| *hard < wanted)?;
    let text = format!(
        "{hosts} hosts may want {wanted} open files, and this process may have {hard}: raise the hard limit (`ulimit -Hn`, \
         LimitNOFILE=), or take fewer hosts at a time with `serial`"
    );
    Some(Diagnostic::warning(Code::WARNING, text))
}

/// Files that are wanted, where they are over the soft limit, and the limits to set, where that helps.
fn raise(hosts: u64, limit: &Rlimit) -> Option<(u64, Option<Rlimit>)> {
    let wanted = OTHERS + EACH * hosts;
    let soft = limit.current.filter(|soft| *soft < wanted)?;
    let raised = limit.maximum.map_or(wanted, |hard| wanted.min(hard));
    Some((wanted, (raised > soft).then_some(Rlimit { current: Some(raised), maximum: limit.maximum })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_is_raised_as_far_as_the_hard_one_allows() {
        let limit = |current, maximum| Rlimit { current, maximum };
        let rows = [
            (10, limit(Some(1024), Some(4096)), None),
            (10, limit(None, None), None),
            (1000, limit(Some(1024), Some(1_048_576)), Some((4256, Some(limit(Some(4256), Some(1_048_576)))))),
            (1000, limit(Some(1024), None), Some((4256, Some(limit(Some(4256), None))))),
            (1000, limit(Some(1024), Some(2048)), Some((4256, Some(limit(Some(2048), Some(2048)))))),
            (1000, limit(Some(1024), Some(1024)), Some((4256, None))),
        ];
        for (hosts, limit, expected) in rows {
            assert_eq!(raise(hosts, &limit), expected, "{hosts} hosts, {limit:?}");
        }
    }
}
