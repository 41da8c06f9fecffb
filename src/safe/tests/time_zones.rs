//! Modification times shifted by a change of the time zone, as on FAT.

use super::*;

const QUARTER: i64 = 900;

/// Checks a verified copy whose modification time is now shifted by `shift` seconds.
fn doubt(shift: i64, keeps_ctime: bool, bytes: u64) -> Result<Proof, Doubt> {
    let file = (content(1), 100);
    let mut claims = random_claims(&mut Dice(1), file);
    claims.truncate(1);
    claims[0] = HashRecord {
        content: file.0,
        bytes: file.1,
        stamp: Some(stamp(100, 0)),
        state: CopyState::Verified,
        how: Some(ReadMethod::Bypassed),
        ..claims[0].clone()
    };
    let recorded = RecordedPath {
        volume: 1,
        path: PathBuf::from("A.mov"),
        root: None,
        records: claims,
        listed: None,
    };
    let seen = stamp(bytes, shift);
    check_copy(file, &recorded, &Observation::File(seen, keeps_ctime))
}

#[test]
fn a_time_shifted_by_a_time_zone_is_doubtful_for_its_own_reason() {
    for shift in [
        QUARTER,
        -QUARTER,
        3600,
        -3600,
        3601,
        3598,
        19_800,
        26 * 3600,
        -26 * 3600,
    ] {
        assert_eq!(doubt(shift, false, 100), Err(Doubt::TimeShifted), "{shift}");
    }
    assert!(doubt(0, false, 100).is_ok() && doubt(2, false, 100).is_ok());
}

#[test]
fn any_other_time_difference_is_a_change() {
    for shift in [
        3,
        60,
        QUARTER + 3,
        QUARTER - 3,
        26 * 3600 + QUARTER,
        DAY * 365,
    ] {
        assert_eq!(doubt(shift, false, 100), Err(Doubt::Changed), "{shift}");
    }
    // The filesystem stores a separate ctime, so someone set the modification time.
    assert_eq!(doubt(3600, true, 100), Err(Doubt::Changed));
    assert_eq!(doubt(3600, false, 99), Err(Doubt::SizeDiffers));
}
