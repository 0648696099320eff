//! Counts per host, as the recap shows them.

use super::TaskStatus;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct HostStats {
    pub ok: u64,
    pub changed: u64,
    pub unreachable: u64,
    pub failed: u64,
    pub skipped: u64,
    pub rescued: u64,
    pub ignored: u64,
}

impl HostStats {
    /// Counts one task's end. A changed task counts as ok too, an ignored failure too; as Ansible counts.
    pub fn count(&mut self, status: TaskStatus, ignored: bool, data_changed: bool) {
        match status {
            TaskStatus::Ok => self.ok += 1,
            TaskStatus::Changed => {
                self.ok += 1;
                self.changed += 1;
            }
            TaskStatus::Skipped => self.skipped += 1,
            TaskStatus::Failed if ignored => {
                self.ok += 1;
                self.ignored += 1;
                self.changed += u64::from(data_changed);
            }
            TaskStatus::Failed => self.failed += 1,
            TaskStatus::Unreachable if ignored => {
                self.ok += 1;
                self.ignored += 1;
            }
            TaskStatus::Unreachable => self.unreachable += 1,
        }
    }
    pub fn any_failed(&self) -> bool {
        self.failed > 0
    }
    pub fn any_unreachable(&self) -> bool {
        self.unreachable > 0
    }
}
