//! State of a running scan, which all its stages share.

use std::collections::HashSet;
use std::path::PathBuf;

use super::writer::ScanWriter;
use super::{ScanEvent, ScanRequest, ScanSummary};
use crate::error::Problem;
use crate::media::{ProcessLimits, Tools};
use crate::tag::Rules;

/// Request, tools, output and counts of a running scan. Each stage is a method or a function that
/// takes it.
pub(super) struct ScanRun<'a> {
    pub request: &'a ScanRequest,
    pub tools: &'a Tools,
    pub rules: &'a Rules,
    pub writer: ScanWriter<'a>,
    pub summary: ScanSummary,
    /// True once the warning about a stalled ffmpeg was reported.
    pub is_stall_reported: bool,
    /// True while known files are read again.
    pub is_refreshing: bool,
    /// Known files whose problem was reported before they are read again.
    pub reported: HashSet<PathBuf>,
}

impl<'a> ScanRun<'a> {
    pub(super) fn new(
        request: &'a ScanRequest,
        tools: &'a Tools,
        rules: &'a Rules,
        writer: ScanWriter<'a>,
    ) -> Self {
        Self {
            request,
            tools,
            rules,
            writer,
            summary: ScanSummary::default(),
            is_stall_reported: false,
            is_refreshing: false,
            reported: HashSet::new(),
        }
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.request.cancel.is_cancelled()
    }

    /// Returns the limits of ffmpeg and ffprobe.
    pub(super) fn limits(&self) -> ProcessLimits {
        ProcessLimits {
            deadline: self.request.deadline,
            cancel: self.request.cancel.clone(),
        }
    }

    /// Counts and reports a file that could not be read completely, unless it was reported before.
    pub(super) fn report_problem(&mut self, problem: Problem) {
        if self.reported.contains(&problem.path) {
            return;
        }
        self.summary.unreadable += 1;
        self.writer.report(ScanEvent::Problem(problem));
    }

    /// Counts and reports a file that is still being written.
    pub(super) fn report_growing(&mut self, path: PathBuf) {
        self.summary.still_growing += 1;
        self.writer.report(ScanEvent::StillGrowing(path));
    }
}
