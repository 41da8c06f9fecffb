//! Tests of the anomaly checks on small reports.

use super::*;
use crate::clip::{Fact, Source};
use crate::report::clip_number_series::Series;
use crate::report::clip_summary::ClipSummary;
use crate::report::{ReportScope, ShotCopies};

/// Creates a clip of a camera with this frame rate, with sound and two copies.
fn shot(camera: &str, rate: &str) -> Shot {
    let summary = ClipSummary {
        rate: Some(rate.parse().unwrap()),
        has_picture: true,
        has_sound: true,
        size: Some((3840, 2160)),
        captured: Some(Fact::new(
            "2026-05-20T10:00:00".parse().unwrap(),
            Source::STREAM,
        )),
        ..ClipSummary::default()
    };
    Shot {
        summary,
        camera: camera.into(),
        day: Some("2026-05-20".into()),
        copies: ShotCopies {
            files: 2,
            volumes: 2,
            verified: 2,
            do_differ: false,
            labels: vec!["RAID-A".into(), "SHELF-07".into()],
        },
        ..Shot::default()
    }
}

fn report(shots: Vec<Shot>) -> ShootReport {
    ShootReport {
        about: ReportScope::Query(String::new()),
        shots,
        cards: Vec::new(),
        series: Vec::new(),
        created: Date::constant(2026, 5, 21),
    }
}

fn anomalies_of(shots: Vec<Shot>) -> Vec<(usize, AnomalyKind, String)> {
    let found = find_anomalies(&report(shots));
    let anomalies = found.into_iter();
    anomalies
        .map(|anomaly| (anomaly.shot, anomaly.kind, anomaly.text))
        .collect()
}

fn shots(count: usize, camera: &str, rate: &str) -> Vec<Shot> {
    vec![shot(camera, rate); count]
}

#[test]
fn a_uniform_day_has_no_anomalies() {
    assert_eq!(anomalies_of(shots(12, "A", "25")), []);
    assert_eq!(anomalies_of(Vec::new()), []);
}

#[test]
fn one_rate_among_many_is_an_anomaly() {
    let mut shots = shots(9, "A", "25");
    shots.push(shot("A", "24000/1001"));
    let text = "23.976, where 9 of 10 clips have 25".to_owned();
    assert_eq!(anomalies_of(shots), [(9, AnomalyKind::Rate, text)]);
}

#[test]
fn two_common_rates_are_not_an_anomaly() {
    let half = [shots(5, "A", "25"), shots(5, "B", "24")].concat();
    assert_eq!(anomalies_of(half), []);
    let third = [shots(7, "A", "25"), shots(3, "A", "24")].concat();
    assert_eq!(anomalies_of(third), []);
}

#[test]
fn slow_motion_and_the_rate_of_a_whole_camera_are_only_notes() {
    let shots = [
        shots(12, "A", "25"),
        shots(3, "phone", "30"),
        shots(1, "A", "100"),
    ]
    .concat();
    let kinds: Vec<AnomalyKind> = anomalies_of(shots)
        .into_iter()
        .map(|anomaly| anomaly.1)
        .collect();
    assert_eq!(
        kinds,
        [
            AnomalyKind::HighRate,
            AnomalyKind::CameraRate,
            AnomalyKind::CameraRate,
            AnomalyKind::CameraRate
        ]
    );
}

#[test]
fn a_clip_that_differs_from_its_camera_is_an_anomaly() {
    let mut shots = [shots(10, "A", "25"), shots(10, "B", "24")].concat();
    shots.push(shot("B", "30"));
    let text = "30, where 10 of 11 clips of this camera have 24".to_owned();
    assert_eq!(anomalies_of(shots), [(20, AnomalyKind::Rate, text)]);
}

#[test]
fn each_day_is_checked_separately() {
    let mut both_days = shots(9, "A", "25");
    let mut previous_day = shots(9, "A", "24");
    for shot in &mut previous_day {
        shot.day = Some("2026-05-19".into());
    }
    both_days.extend(previous_day);
    assert_eq!(anomalies_of(both_days), []);
}

#[test]
fn a_rotated_phone_keeps_its_picture_size() {
    let mut shots = shots(9, "phone", "25");
    let mut turned = shot("phone", "25");
    turned.summary.size = Some((2160, 3840));
    shots.push(turned);
    assert_eq!(anomalies_of(shots.clone()), []);
    let mut small = shot("phone", "25");
    small.summary.size = Some((3840, 1080));
    shots.push(small);
    let text = "3840×1080, where 10 of 11 clips of this camera have 3840×2160".to_owned();
    assert_eq!(anomalies_of(shots), [(10, AnomalyKind::Size, text)]);
}

#[test]
fn clips_of_unknown_cameras_are_not_compared() {
    let mut shots = shots(9, "unknown camera", "25");
    let mut other = shot("unknown camera", "25");
    other.summary.size = Some((1280, 2160));
    other.summary.has_sound = false;
    shots.push(other);
    assert_eq!(anomalies_of(shots), []);
}

#[test]
fn missing_sound_is_an_anomaly_if_the_camera_records_sound() {
    let silent = || {
        let mut silent = shot("A", "25");
        silent.summary.has_sound = false;
        silent
    };
    let mut shots = shots(3, "A", "25");
    shots.push(silent());
    let text = "3 of 4 clips of this camera have sound".to_owned();
    assert_eq!(anomalies_of(shots), [(3, AnomalyKind::Silent, text)]);
    assert_eq!(anomalies_of(vec![silent(); 4]), []);
}

#[test]
fn copies_are_counted_by_volume_and_compared_by_content() {
    let with_copies = |volumes: usize, files: usize, do_differ: bool| {
        let mut shot = shot("A", "25");
        shot.copies.volumes = volumes;
        shot.copies.files = files;
        shot.copies.do_differ = do_differ;
        shot.copies.labels.truncate(volumes);
        shot
    };
    let shots = vec![
        with_copies(2, 2, false),
        with_copies(1, 1, false),
        with_copies(1, 2, false),
        with_copies(2, 2, true),
        with_copies(0, 0, false),
    ];
    let findings: Vec<(usize, AnomalyKind)> = anomalies_of(shots)
        .into_iter()
        .map(|anomaly| (anomaly.0, anomaly.1))
        .collect();
    assert_eq!(
        findings,
        [
            (3, AnomalyKind::CopiesDiffer),
            (4, AnomalyKind::NoCopy),
            (1, AnomalyKind::OneCopy),
            (2, AnomalyKind::OneCopy)
        ]
    );
}

#[test]
fn a_date_in_the_future_or_before_1995_is_implausible() {
    let recorded_at = |time: &str, source: Source| {
        let mut shot = shot("A", "25");
        shot.summary.captured = Some(Fact::new(time.parse().unwrap(), source));
        shot
    };
    let check = |time: &str, source| anomalies_of(vec![recorded_at(time, source)]);
    assert_eq!(check("2026-05-22T00:10:00", Source::STREAM), []);
    let kind = |time: &str, source| check(time, source)[0].1;
    assert_eq!(
        kind("2026-05-23T00:10:00", Source::STREAM),
        AnomalyKind::Clock
    );
    assert_eq!(
        kind("1970-02-01T00:10:00", Source::STREAM),
        AnomalyKind::Clock
    );
    assert_eq!(
        kind("2026-05-20T00:10:00", Source::MTIME),
        AnomalyKind::NoClock
    );
}

#[test]
fn a_gap_is_reported_for_the_clip_after_it() {
    let numbered = |number| {
        let mut shot = shot("A", "25");
        shot.number = Some((0, number));
        shot
    };
    let mut report = report(vec![numbered(2), numbered(4), numbered(9)]);
    report.series = vec![Series {
        stem: "A001_C".to_owned(),
        digits: 3,
        numbers: [1, 2, 4, 9].into(),
    }];
    let findings: Vec<(usize, String)> = find_anomalies(&report)
        .into_iter()
        .map(|anomaly| (anomaly.shot, anomaly.text))
        .collect();
    assert_eq!(
        findings,
        [
            (1, "A001_C003 is missing".to_owned()),
            (
                2,
                "A001_C005 to A001_C008 (4 numbers) are missing".to_owned()
            )
        ]
    );
}
