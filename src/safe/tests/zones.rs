//! Times that another time zone shifted, as FAT shows them.

use super::*;

const QUARTER: i64 = 900;

/// What is said of a copy that was verified, and whose modification time is shifted by some seconds now.
fn doubt(shift: i64, keeps_ctime: bool, bytes: u64) -> Result<Proof, Doubt> {
    let file = (content(1), 100);
    let mut claims = claims(&mut Dice(1), file);
    claims.truncate(1);
    claims[0] = HashRecord {
        content: file.0,
        bytes: file.1,
        stamp: Some(stamp(100, 0)),
        state: CopyState::Verified,
        how: Some(How::Bypassed),
        ..claims[0].clone()
    };
    let stood = RecordedPath {
        volume: 1,
        path: PathBuf::from("A.mov"),
        root: None,
        records: claims,
        listed: None,
    };
    let seen = stamp(bytes, shift);
    standing(file, &stood, &Sight::File(seen, keeps_ctime))
}

#[test]
fn a_time_that_a_time_zone_shifted_is_no_proof_and_has_its_own_reason() {
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
        assert_eq!(doubt(shift, false, 100), Err(Doubt::Shifted), "{shift}");
    }
    assert!(doubt(0, false, 100).is_ok() && doubt(2, false, 100).is_ok());
}

#[test]
fn whatever_else_a_time_is_off_by_is_a_change() {
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
    // The filesystem keeps the time of the last change apart: somebody set the other one.
    assert_eq!(doubt(3600, true, 100), Err(Doubt::Changed));
    assert_eq!(doubt(3600, false, 99), Err(Doubt::Unlike));
}
