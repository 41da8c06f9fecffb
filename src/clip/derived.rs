//! Facts derived from other facts: never stored, computed whenever a clip is loaded.

use super::{Clip, Fact};
use crate::value::{Orientation, Selection, Timecode};

impl Clip {
    /// Computes the derived facts.
    pub fn derive(&mut self) {
        self.orientation = self
            .display_width
            .as_ref()
            .zip(self.display_height.as_ref())
            .map(|(width, height)| {
                let orientation = match width.value.cmp(&height.value) {
                    std::cmp::Ordering::Greater => Orientation::Horizontal,
                    std::cmp::Ordering::Less => Orientation::Vertical,
                    std::cmp::Ordering::Equal => Orientation::Square,
                };
                Fact::new(orientation, width.source.clone())
            });
        self.end_timecode = self.last_timecode();
        self.correct_clock();
        self.camera = match (&self.make, &self.model) {
            (Some(make), Some(model)) if !model.value.starts_with(&make.value) => Some(Fact::new(
                format!("{} {}", make.value, model.value),
                model.source.clone(),
            )),
            (make, model) => model.as_ref().or(make.as_ref()).cloned(),
        };
    }

    /// Corrects the capture time if the error of the camera's clock is known. The uncorrected time
    /// becomes the fact `recorded`.
    fn correct_clock(&mut self) {
        let (Some(clock), Some(captured)) = (&self.clock, &self.captured) else {
            return;
        };
        if let Some(corrected) = clock.value.corrected(captured.value) {
            let corrected = Fact::new(corrected, clock.source.clone());
            self.recorded = self.captured.replace(corrected);
        }
    }

    /// Computes the timecode of the last frame from the start timecode, the rate and the duration.
    fn last_timecode(&self) -> Option<Fact<Timecode>> {
        let start = self.start_timecode.as_ref()?;
        let rate = self.rate.as_ref()?.value;
        let micros = self.duration.as_ref()?.value.as_micros();
        let first = start.value.to_frames(rate)?;
        let frames = rate.frame_at(micros.saturating_sub(1));
        let drop_frame = start.value.is_drop_frame();
        let day = Timecode::frames_per_day(rate, drop_frame).max(1);
        // A clip of a day or longer contains every timecode.
        let last = first.wrapping_add(frames.min(day - 1)) % day;
        let last = Timecode::from_frames(last, rate, drop_frame)?;
        Some(Fact::new(last, start.source.clone()))
    }

    /// Returns the rank for sorting by rating and selection: the number of stars, and six more for
    /// a selected clip. Rejected clips come last.
    #[must_use]
    pub fn rating_rank(&self) -> i64 {
        let stars = self.rating.as_ref().map_or(0, |fact| i64::from(fact.value));
        match self.selection.as_ref().map(|fact| fact.value) {
            Some(Selection::Selected) => stars + 6,
            Some(Selection::Rejected) => Self::REJECTED,
            None => stars,
        }
    }

    /// Rank of a rejected clip.
    pub const REJECTED: i64 = -1;
    /// Rank of a selected clip with five stars.
    pub const BEST: i64 = 11;
}

/// Returns true if a clip contains a timecode from `from` to `to`, both included.
///
/// `first` and `last` are the clip's start and end timecodes as [`Timecode::sort_key`]. A clip may
/// run past midnight, where timecodes wrap to zero.
#[must_use]
pub fn overlaps_timecodes(first: i64, last: Option<i64>, from: i64, to: i64) -> bool {
    let last = last.unwrap_or(first);
    let overlaps = |first: i64, last: i64| from <= last && first <= to;
    if first <= last {
        overlaps(first, last)
    } else {
        overlaps(first, i64::MAX) || overlaps(0, last)
    }
}
