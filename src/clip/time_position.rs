//! Converts user input to a position in a clip. The input is a timecode or a time from the start.
//!
//! A position outside the clip is rejected with a hint that gives the valid range.

use super::Clip;
use crate::error::Error;
use crate::value::{Duration, Marker, Rate, Timecode};

impl Clip {
    /// Creates a marker with this text at position `at`, which is a timecode or a time from the
    /// start.
    ///
    /// # Errors
    /// [`Error::Marker`] if `at` is neither a timecode nor a time, or is outside the clip.
    pub fn parse_marker(&self, at: &str, text: &str) -> Result<Marker, Error> {
        let (micros, timecode) = match at.parse::<Timecode>() {
            Ok(timecode) => self.position_of_timecode(timecode)?,
            Err(_) => self.position_of_time(at)?,
        };
        Ok(Marker {
            micros,
            timecode,
            text: text.trim().to_owned(),
        })
    }

    /// Creates a marker at a time in microseconds from the clip's start, as other programs store
    /// it; `None` if that is past the end of the clip.
    #[must_use]
    pub fn marker_at(&self, micros: u64, text: &str) -> Option<Marker> {
        let is_past_end = |duration: Duration| Duration::from_micros(micros) > duration;
        if self
            .duration
            .as_ref()
            .is_some_and(|fact| is_past_end(fact.value))
        {
            return None;
        }
        let timecode = self.rate.as_ref().and_then(|fact| {
            let (first, drop_frame) = self.start_frame(fact.value);
            let day = Timecode::frames_per_day(fact.value, drop_frame).max(1);
            let number = first.wrapping_add(fact.value.frame_at(micros)) % day;
            Timecode::from_frames(number, fact.value, drop_frame)
        });
        Some(Marker {
            micros,
            timecode,
            text: text.trim().to_owned(),
        })
    }

    fn position_of_timecode(&self, typed: Timecode) -> Result<(u64, Option<Timecode>), Error> {
        let Some(rate) = self.rate.as_ref().map(|fact| fact.value) else {
            return Err(Error::Marker {
                message: format!(
                    "{} has no frame rate, so `{typed}` is not a position in it",
                    self.shown_name()
                ),
                hint: "write a time from the start, such as `12.5s` or `1m30s`".to_owned(),
            });
        };
        let (first, drop_frame) = self.start_frame(rate);
        let typed = typed.with_drop_frame(drop_frame);
        let outside = || self.outside_error(&typed.to_string(), rate);
        let number = typed.to_frames(rate).ok_or_else(outside)?;
        // A clip may run past midnight, where timecodes wrap to zero.
        let day = Timecode::frames_per_day(rate, drop_frame);
        let frame = if number >= first {
            number - first
        } else {
            number + day - first
        };
        if self.last_frame(rate).is_some_and(|last| frame > last) {
            return Err(outside());
        }
        Ok((rate.micros_of_frame(frame), Some(typed)))
    }

    fn position_of_time(&self, typed: &str) -> Result<(u64, Option<Timecode>), Error> {
        let time: Duration = typed.parse().map_err(|_| Error::Marker {
            message: format!("{typed:?} is not a position in a clip"),
            hint: "write a timecode such as `10:02:12:00`, or a time from the start such as `12.5s` or `1m30s`"
                .to_owned(),
        })?;
        let rate = self.rate.as_ref().map(|fact| fact.value);
        if self.duration.as_ref().is_some_and(|fact| time > fact.value) {
            return Err(match rate {
                Some(rate) => self.outside_error(typed, rate),
                None => Error::Marker {
                    message: format!("{} ends before `{typed}`", self.shown_name()),
                    hint: self.duration_hint(),
                },
            });
        }
        let Some(rate) = rate else {
            return Ok((time.as_micros(), None));
        };
        let (first, drop_frame) = self.start_frame(rate);
        let frame = rate.frame_at(time.as_micros());
        let number = first.wrapping_add(frame) % Timecode::frames_per_day(rate, drop_frame).max(1);
        let timecode = Timecode::from_frames(number, rate, drop_frame);
        Ok((rate.micros_of_frame(frame), timecode))
    }

    /// Returns the frame number of the start timecode, and true if it is drop-frame.
    fn start_frame(&self, rate: Rate) -> (u32, bool) {
        let start = self.start_timecode.as_ref().map(|fact| fact.value);
        let number = start.and_then(|start| start.to_frames(rate)).unwrap_or(0);
        (number, start.is_some_and(Timecode::is_drop_frame))
    }

    fn last_frame(&self, rate: Rate) -> Option<u32> {
        let end = self.duration.as_ref()?.value.as_micros();
        Some(rate.frame_at(end.saturating_sub(1)))
    }

    fn outside_error(&self, typed: &str, rate: Rate) -> Error {
        let (first, drop_frame) = self.start_frame(rate);
        let timecode = |frame: u32| {
            let number =
                first.wrapping_add(frame) % Timecode::frames_per_day(rate, drop_frame).max(1);
            Timecode::from_frames(number, rate, drop_frame)
                .map_or_else(String::new, |it| it.to_string())
        };
        let last = self.last_frame(rate).map(timecode).unwrap_or_default();
        Error::Marker {
            message: format!("`{typed}` is not in {}", self.shown_name()),
            hint: format!(
                "its timecodes run from {} to {last}; a time from the start is written as `12.5s` or `1m30s`",
                timecode(0)
            ),
        }
    }

    fn duration_hint(&self) -> String {
        let duration = self.duration.as_ref().map(|fact| fact.value.to_string());
        format!("its duration is {}", duration.unwrap_or_default())
    }

    /// Returns the clip's name, escaped for a terminal.
    pub(crate) fn shown_name(&self) -> String {
        let name = self
            .name
            .as_ref()
            .map(|fact| crate::error::escape(&fact.value));
        name.unwrap_or_else(|| "the clip".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clip::{Fact, Source};

    fn clip(rate: Option<(u32, u32)>, start: Option<&str>, seconds: &str) -> Clip {
        let fact = |value| Fact::new(value, Source::STREAM);
        Clip {
            rate: rate.map(|(num, den)| Fact::new(Rate::new(num, den).unwrap(), Source::STREAM)),
            start_timecode: start.map(|text| Fact::new(text.parse().unwrap(), Source::STREAM)),
            duration: Some(fact(Duration::from_decimal(seconds).unwrap())),
            ..Clip::default()
        }
    }

    #[test]
    #[expect(clippy::large_stack_arrays, reason = "a table of clips")]
    fn a_position_is_a_timecode_or_a_time_from_the_start() {
        let ntsc = Some((30000, 1001));
        for (clip, typed, shown) in [
            (
                clip(Some((25, 1)), Some("10:02:11:08"), "20"),
                "10:02:12:00",
                "680000 10:02:12:00 x",
            ),
            (
                clip(Some((25, 1)), Some("10:02:11:08"), "20"),
                "1.5s",
                "1480000 10:02:12:20 x",
            ),
            (
                clip(Some((25, 1)), None, "20"),
                "00:00:19:24",
                "19960000 00:00:19:24 x",
            ),
            (
                clip(ntsc, Some("00:00:59;20"), "20"),
                "00:01:00:02",
                "333666 00:01:00;02 x",
            ),
            (
                clip(Some((25, 1)), Some("23:59:59:00"), "5"),
                "00:00:01:00",
                "2000000 00:00:01:00 x",
            ),
            (
                clip(Some((25, 1)), Some("23:59:59:00"), "5"),
                "2s",
                "2000000 00:00:01:00 x",
            ),
            (clip(None, None, "20"), "12.5s", "12500000 12.5s x"),
        ] {
            let marker = clip.parse_marker(typed, " x ").unwrap();
            assert_eq!(format!("{} {marker}", marker.micros), shown, "{typed}");
        }
    }

    #[test]
    #[expect(clippy::large_stack_arrays, reason = "a table of clips")]
    fn a_position_outside_the_clip_is_rejected_with_a_hint() {
        for (clip, typed, wrong) in [
            (
                clip(Some((25, 1)), Some("10:02:11:08"), "20"),
                "00:00:12:00",
                "is not in the clip",
            ),
            (
                clip(Some((25, 1)), Some("10:02:11:08"), "20"),
                "10:02:31:08",
                "is not in the clip",
            ),
            (
                clip(Some((25, 1)), Some("10:02:11:08"), "20"),
                "10:02:12:25",
                "is not in the clip",
            ),
            (clip(Some((25, 1)), None, "20"), "21s", "is not in the clip"),
            (clip(None, None, "20"), "00:00:12:00", "has no frame rate"),
            (clip(None, None, "20"), "21s", "ends before"),
            (
                clip(None, None, "20"),
                "soon",
                "is not a position in a clip",
            ),
        ] {
            let error = clip.parse_marker(typed, "x").unwrap_err();
            assert!(
                error.to_string().contains(wrong) && error.hint().is_some(),
                "{error}"
            );
        }
    }
}
