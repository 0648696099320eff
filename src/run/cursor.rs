//! Where one host stands in a play: blocks, rescue, always, includes, handlers. Pure; the dispatcher moves it.
//!
//! Positions of two hosts compare in the order in which a play is written, so the linear strategy takes the lowest.

use crate::plan::{Action, Id, Meta, PlannedBlock, PlannedItem, PlannedTask};
use std::cmp::Ordering;
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Block,
    Rescue,
    Always,
}

#[derive(Clone, Debug)]
enum Frame {
    /// A block; `failed`: a failure that no rescue took is to be passed on when `always` is done.
    Block { block: Arc<PlannedBlock>, part: Part, index: usize, failed: bool },
    /// Blocks one after the other: a play's, or those that an include brought. Each has its rank among those of all hosts.
    Series { blocks: Vec<(u32, Arc<PlannedBlock>)>, at: usize },
    /// Tasks one after the other: handlers of a flush.
    Tasks { tasks: Vec<(u32, Arc<PlannedTask>)>, at: usize },
}

/// How a host's way through a play ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Complete,
    /// A failure that nothing rescued.
    Failed,
    /// `meta: end_host` and its like, or unreachable.
    Stopped,
}

#[derive(Clone, Debug)]
pub struct Cursor {
    frames: Vec<Frame>,
    end: Option<End>,
}

impl Cursor {
    /// At the start of blocks, each with its rank among those of all hosts.
    pub fn new(blocks: Vec<(u32, Arc<PlannedBlock>)>) -> Self {
        let mut cursor = Cursor { frames: vec![Frame::Series { blocks, at: 0 }], end: None };
        cursor.settle();
        cursor
    }

    /// The task that is next; `None` at the end.
    pub fn task(&self) -> Option<&Arc<PlannedTask>> {
        match self.frames.last()? {
            Frame::Block { block, part, index, .. } => match part_of(block, *part).get(*index)? {
                PlannedItem::Task(task) => Some(task),
                PlannedItem::Block(_) => None,
            },
            Frame::Tasks { tasks, at } => tasks.get(*at).map(|(_, t)| t),
            Frame::Series { .. } => None,
        }
    }

    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// The present task is done: on to the next.
    pub fn advance(&mut self) {
        self.step();
        self.settle();
    }

    /// The present task failed: on to the rescue or always part that takes it, else to the end.
    pub fn fail(&mut self) {
        if self.end.is_some() {
            return;
        }
        self.unwind();
        self.settle();
    }

    /// Whether a failure now would be taken by some block's `rescue`.
    pub fn would_rescue(&self) -> bool {
        self.frames
            .iter()
            .any(|f| matches!(f, Frame::Block { block, part: Part::Block, .. } if !block.rescue.is_empty()))
    }

    /// Whether the host failed for good, be it that an `always` part is still to be run.
    pub fn has_failed(&self) -> bool {
        self.end == Some(End::Failed) || self.frames.iter().any(|f| matches!(f, Frame::Block { failed: true, .. }))
    }

    /// Whether the host is running handlers.
    pub fn in_handlers(&self) -> bool {
        self.frames.iter().any(|f| matches!(f, Frame::Tasks { .. }))
    }

    /// Forgets failures that an `always` part follows: the play goes on after it (`meta: clear_host_errors`).
    pub fn clear_failures(&mut self) {
        for frame in &mut self.frames {
            if let Frame::Block { failed, .. } = frame {
                *failed = false;
            }
        }
        if self.end == Some(End::Failed) {
            self.end = Some(End::Stopped);
        }
    }

    /// Leaves the play.
    pub fn stop(&mut self, end: End) {
        self.frames.clear();
        self.end = Some(end);
    }

    /// Puts blocks of an include behind the present task, which is done with that. `u32` is each block's rank among the
    /// blocks that the same task included for all hosts.
    pub fn include(&mut self, blocks: Vec<(u32, Arc<PlannedBlock>)>) {
        if blocks.is_empty() {
            self.advance();
            return;
        }
        self.frames.push(Frame::Series { blocks, at: 0 });
        self.settle();
    }

    /// Runs handlers in place of the present task (`meta: flush_handlers`, or a handler that includes others).
    pub fn handlers(&mut self, tasks: Vec<(u32, Arc<PlannedTask>)>) {
        if tasks.is_empty() {
            self.advance();
            return;
        }
        self.frames.push(Frame::Tasks { tasks, at: 0 });
        self.settle();
    }

    /// One more handler for the flush that is running; false where its turn is over already.
    pub fn add_handler(&mut self, rank: u32, task: &Arc<PlannedTask>) -> bool {
        for frame in self.frames.iter_mut().rev() {
            if let Frame::Tasks { tasks, at } = frame {
                let behind = tasks.get(*at).is_some_and(|(now, _)| rank > *now);
                if behind && !tasks.iter().any(|(r, _)| *r == rank) {
                    let place = tasks.partition_point(|(r, _)| *r < rank);
                    tasks.insert(place, (rank, task.clone()));
                }
                return behind;
            }
        }
        false
    }

    /// The handlers of the flush that is running whose turn is still to come.
    pub fn handlers_to_come(&self) -> Vec<(u32, Arc<PlannedTask>)> {
        let flush = self.frames.iter().find_map(|f| match f {
            Frame::Tasks { tasks, at } => tasks.get(at + 1..),
            _ => None,
        });
        flush.unwrap_or_default().to_vec()
    }

    /// Leaves the role that the present task belongs to, up to the marker at its end.
    pub fn end_role(&mut self, role: Id) {
        while let Some(task) = self.task() {
            let of_role = task.role().is_some_and(|r| r.id == role || r.chain.iter().any(|c| c.id == role));
            let marker =
                matches!(task.action, Action::Meta(Meta::RoleComplete)) && task.role().is_some_and(|r| r.id == role);
            if !of_role || marker {
                return;
            }
            self.advance();
        }
    }

    fn step(&mut self) {
        match self.frames.last_mut() {
            Some(Frame::Block { index, .. }) => *index += 1,
            Some(Frame::Series { at, .. } | Frame::Tasks { at, .. }) => *at += 1,
            None => {}
        }
    }

    /// Passes a failure outwards from the innermost frame until something takes it.
    fn unwind(&mut self) {
        while let Some(frame) = self.frames.last_mut() {
            if let Frame::Block { block, part, index, failed } = frame {
                match part {
                    Part::Block if !block.rescue.is_empty() => {
                        (*part, *index) = (Part::Rescue, 0);
                        return;
                    }
                    Part::Block | Part::Rescue => {
                        (*part, *index, *failed) = (Part::Always, 0, true);
                        return;
                    }
                    Part::Always => {}
                }
            }
            self.frames.pop();
        }
        self.end = Some(End::Failed);
    }

    /// Moves until a task is next or the end is reached.
    fn settle(&mut self) {
        while self.end.is_none() {
            let Some(frame) = self.frames.last_mut() else {
                self.end = Some(End::Complete);
                return;
            };
            let inner = match frame {
                Frame::Tasks { tasks, at } => {
                    if *at < tasks.len() {
                        return;
                    }
                    None
                }
                Frame::Series { blocks, at } => blocks.get(*at).map(|(_, b)| b.clone()),
                Frame::Block { block, part, index, failed } => match part_of(block, *part).get(*index) {
                    Some(PlannedItem::Task(_)) => return,
                    Some(PlannedItem::Block(inner)) => Some(inner.clone()),
                    None if *part != Part::Always => {
                        (*part, *index) = (Part::Always, 0);
                        continue;
                    }
                    None if *failed => {
                        self.frames.pop();
                        self.unwind();
                        continue;
                    }
                    None => None,
                },
            };
            match inner {
                Some(block) => self.frames.push(Frame::Block { block, part: Part::Block, index: 0, failed: false }),
                None => {
                    self.frames.pop();
                    self.step();
                }
            }
        }
    }

    fn path(&self) -> impl Iterator<Item = (u8, u32)> + '_ {
        self.frames.iter().map(|frame| match frame {
            Frame::Block { part, index, .. } => (*part as u8, *index as u32),
            Frame::Series { blocks, at } => (0, blocks.get(*at).map_or(u32::MAX, |(rank, _)| *rank)),
            Frame::Tasks { tasks, at } => (0, tasks.get(*at).map_or(u32::MAX, |(rank, _)| *rank)),
        })
    }

    /// Which of two hosts in the same play stands earlier.
    pub fn compare(&self, other: &Cursor) -> Ordering {
        self.path().cmp(other.path())
    }
}

fn part_of(block: &PlannedBlock, part: Part) -> &[PlannedItem] {
    match part {
        Part::Block => &block.block,
        Part::Rescue => &block.rescue,
        Part::Always => &block.always,
    }
}
