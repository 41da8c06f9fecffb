//! Timelines: the clips of a day from the first to the last, with one lane per camera.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::ShootReport;

/// Timeline of a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Timeline {
    /// Date of the day.
    pub(super) day: String,
    /// First hour, counted from midnight of the day; above 24 in the following night.
    pub(super) from: i64,
    /// Hour at which the timeline ends.
    pub(super) to: i64,
    /// One lane per camera, sorted by name.
    pub(super) lanes: Vec<CameraLane>,
    /// Number of clips without a time of day.
    pub(super) untimed: usize,
}

/// Clips of one camera.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CameraLane {
    /// Name of the camera.
    pub(super) camera: String,
    /// Clips in the order of the report.
    pub(super) bars: Vec<ClipBar>,
}

/// Clip on a timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ClipBar {
    /// Index of the clip in [`ShootReport::shots`](super::ShootReport::shots).
    pub(super) shot: usize,
    /// Start in seconds from midnight of the day.
    pub(super) begin: i64,
    /// End in seconds from midnight of the day.
    pub(super) end: i64,
}

const HOUR: i64 = 3600;
/// Range of times, from midnight of the day, that count as part of the day.
const EARLIEST: i64 = -6 * HOUR;
const LATEST: i64 = 36 * HOUR;

/// Creates a timeline for each day, in order; omits days without any clip time.
pub(super) fn by_day(report: &ShootReport) -> Vec<Timeline> {
    let mut days: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, shot) in report.shots.iter().enumerate() {
        if let Some(day) = shot.day.as_deref() {
            days.entry(day).or_default().push(at);
        }
    }
    let days = days.into_iter();
    days.filter_map(|(day, shots)| timeline(report, day, &shots))
        .collect()
}

fn timeline(report: &ShootReport, day: &str, shots: &[usize]) -> Option<Timeline> {
    let midnight = day
        .parse::<Date>()
        .ok()?
        .to_datetime(jiff::civil::Time::midnight());
    let midnight = jiff::tz::Offset::UTC
        .to_timestamp(midnight)
        .ok()?
        .as_second();
    let mut lanes: BTreeMap<&str, Vec<ClipBar>> = BTreeMap::new();
    let mut untimed = 0;
    let (mut first, mut last) = (i64::MAX, i64::MIN);
    for &at in shots {
        let shot = &report.shots[at];
        let begin = shot.start_seconds().map(|start| start - midnight);
        let Some(begin) = begin.filter(|begin| (EARLIEST..LATEST).contains(begin)) else {
            untimed += 1;
            continue;
        };
        let length = i64::try_from(shot.summary.micros.unwrap_or(0) / 1_000_000)
            .unwrap_or(0)
            .clamp(1, 24 * HOUR);
        let bar = ClipBar {
            shot: at,
            begin,
            end: begin + length,
        };
        (first, last) = (first.min(bar.begin), last.max(bar.end));
        lanes.entry(&shot.camera).or_default().push(bar);
    }
    let lanes: Vec<CameraLane> = lanes
        .into_iter()
        .map(|(camera, bars)| CameraLane {
            camera: camera.to_owned(),
            bars,
        })
        .collect();
    (!lanes.is_empty()).then(|| Timeline {
        day: day.to_owned(),
        from: first.div_euclid(HOUR),
        to: (last + HOUR - 1)
            .div_euclid(HOUR)
            .max(first.div_euclid(HOUR) + 1),
        lanes,
        untimed,
    })
}

/// Formats seconds from midnight as `14:05`.
pub(super) fn clock(seconds: i64) -> String {
    let minutes = seconds.div_euclid(60).rem_euclid(24 * 60);
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clip::{Fact, Source};
    use crate::report::clip_summary::ClipSummary;
    use crate::report::{ReportScope, Shot};

    fn shot(camera: &str, time: &str, seconds: u64, source: Source) -> Shot {
        Shot {
            summary: ClipSummary {
                captured: Some(Fact::new(time.parse().unwrap(), source)),
                micros: Some(seconds * 1_000_000),
                ..ClipSummary::default()
            },
            camera: camera.into(),
            day: Some("2026-05-20".into()),
            ..Shot::default()
        }
    }

    fn day(shots: Vec<Shot>) -> Vec<Timeline> {
        by_day(&ShootReport {
            about: ReportScope::Query(String::new()),
            shots,
            cards: Vec::new(),
            series: Vec::new(),
            created: Date::constant(2026, 5, 21),
        })
    }

    #[test]
    fn a_night_continues_past_midnight_and_hours_are_rounded() {
        let days = day(vec![
            shot("A", "2026-05-20T22:10:00+02:00", 60, Source::STREAM),
            shot("B", "2026-05-21T01:30:00", 3600, Source::STREAM),
        ]);
        let [night] = days.as_slice() else {
            panic!("{days:?}");
        };
        assert_eq!((night.from, night.to, night.untimed), (22, 27, 0));
        let bar = night.lanes[1].bars[0];
        assert_eq!(
            (clock(bar.begin), clock(bar.end)),
            ("01:30".into(), "02:30".into())
        );
    }

    #[test]
    fn clips_without_a_time_are_counted_but_not_drawn() {
        let mut days = day(vec![
            shot("A", "2026-05-20T10:00:00", 0, Source::STREAM),
            shot("A", "2026-05-20T00:00:00", 60, Source::NAME),
            shot("A", "2026-05-20T11:00:00", 60, Source::MTIME),
            shot("A", "2019-01-01T11:00:00", 60, Source::STREAM),
        ]);
        let only = days.pop().unwrap();
        assert_eq!((only.untimed, only.lanes[0].bars.len()), (3, 1));
        assert_eq!((only.from, only.to), (10, 11));
        assert!(day(vec![shot("A", "2026-05-20T11:00:00", 60, Source::MTIME)]).is_empty());
    }
}
