//! Facts that follow from others: never stored, worked out when a clip is read.

use super::{Clip, Fact};
use crate::value::{Orientation, Selection, Timecode};

impl Clip {
    /// Works out what follows from what is known.
    pub fn derive(&mut self) {
        self.orientation = self
            .display_width
            .as_ref()
            .zip(self.display_height.as_ref())
            .map(|(width, height)| {
                let lies = match width.value.cmp(&height.value) {
                    std::cmp::Ordering::Greater => Orientation::Horizontal,
                    std::cmp::Ordering::Less => Orientation::Vertical,
                    std::cmp::Ordering::Equal => Orientation::Square,
                };
                Fact::new(lies, width.source.clone())
            });
        self.end_timecode = self.last_address();
        self.put_clock_right();
        self.camera = match (&self.make, &self.model) {
            (Some(make), Some(model)) if !model.value.starts_with(&make.value) => Some(Fact::new(
                format!("{} {}", make.value, model.value),
                model.source.clone(),
            )),
            (make, model) => model.as_ref().or(make.as_ref()).cloned(),
        };
    }

    /// The time at which it was shot, where it is known by how much the camera's clock was off; what that
    /// showed is kept beside it.
    fn put_clock_right(&mut self) {
        let (Some(clock), Some(shown)) = (&self.clock, &self.captured) else {
            return;
        };
        if let Some(right) = clock.value.corrected(shown.value) {
            let right = Fact::new(right, clock.source.clone());
            self.recorded = self.captured.replace(right);
        }
    }

    /// The address of the last frame, by the first one, the rate and the running time.
    fn last_address(&self) -> Option<Fact<Timecode>> {
        let start = self.start_timecode.as_ref()?;
        let rate = self.rate.as_ref()?.value;
        let micros = self.duration.as_ref()?.value.as_micros();
        let first = start.value.to_frames(rate)?;
        let frames = rate.frame_at(micros.saturating_sub(1));
        let drop_frame = start.value.is_drop_frame();
        let day = Timecode::frames_a_day(rate, drop_frame).max(1);
        // One that runs a whole day has every address.
        let last = first.wrapping_add(frames.min(day - 1)) % day;
        let last = Timecode::from_frames(last, rate, drop_frame)?;
        Some(Fact::new(last, start.source.clone()))
    }

    /// How much people think of it, for the order of what is found: a selected clip is worth
    /// more stars than there are, a rejected one comes after all others.
    #[must_use]
    pub fn merit(&self) -> i64 {
        let stars = self.rating.as_ref().map_or(0, |fact| i64::from(fact.value));
        match self.selection.as_ref().map(|fact| fact.value) {
            Some(Selection::Selected) => stars + 6,
            Some(Selection::Rejected) => Self::REJECTED,
            None => stars,
        }
    }

    /// The merit of a rejected clip.
    pub const REJECTED: i64 = -1;
    /// The merit of a selected clip with all stars.
    pub const BEST: i64 = 11;
}

/// Where a clip's timecodes begin and end, as [`Timecode::ordered`]; whether one is in between.
/// A clip may run past midnight, where they begin again.
#[must_use]
pub fn runs_through(first: i64, last: Option<i64>, from: i64, to: i64) -> bool {
    let last = last.unwrap_or(first);
    let meets = |first: i64, last: i64| from <= last && first <= to;
    if first <= last {
        meets(first, last)
    } else {
        meets(first, i64::MAX) || meets(0, last)
    }
}
