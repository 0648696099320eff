//! The stations of one task on one host, one file each.

pub mod args;
pub mod background;
pub mod delegate;
pub mod failure;
pub mod judge;
pub mod keywords;
pub mod loop_;
