//! Plain explanations of the error messages of ffmpeg and ffprobe.
//!
//! A clip stores the original message, which `show` and `--json` print. Explanations are used only
//! in lists of problems, so they can be changed without reading files again.

use std::borrow::Cow;

/// Cause of an error that ffmpeg reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// The end of the recording is missing, as after a power failure or an interrupted copy.
    CutOff,
    Encrypted,
    /// The file contains no video, or none that can be decoded.
    NoPicture,
    UnsupportedCodec,
    /// The data is not in the expected format.
    Damaged,
}

/// Parts of ffmpeg's messages, each with its cause and explanation. The first match applies.
const MESSAGES: &[(&str, Cause, &str)] = &[
    (
        "moov atom not found",
        Cause::CutOff,
        "recording was cut off (no moov atom)",
    ),
    (
        "File ended prematurely",
        Cause::CutOff,
        "recording was cut off (file ends too early)",
    ),
    (
        "partial file",
        Cause::CutOff,
        "recording was cut off (frames are missing)",
    ),
    (
        "DRM protected stream",
        Cause::Encrypted,
        "encrypted (protected by DRM)",
    ),
    (
        "ncrypted fmp4",
        Cause::Encrypted,
        "encrypted (fragmented MP4)",
    ),
    (
        "image is encrypted",
        Cause::Encrypted,
        "encrypted (picture)",
    ),
    (
        "encrypted with AACS",
        Cause::Encrypted,
        "encrypted (copy protection of a Blu-ray disc)",
    ),
    (
        "for encrypted stream",
        Cause::Encrypted,
        "encrypted (needs a password)",
    ),
    (
        "matches no streams",
        Cause::NoPicture,
        "no picture in the file",
    ),
    (
        "does not contain any stream",
        Cause::NoPicture,
        "no picture in the file",
    ),
    (
        "Decoder not found",
        Cause::UnsupportedCodec,
        "unsupported codec (ffmpeg has no decoder)",
    ),
    (
        "no decoder found for",
        Cause::UnsupportedCodec,
        "unsupported codec (ffmpeg has no decoder)",
    ),
    (
        "No decoder for stream",
        Cause::UnsupportedCodec,
        "unsupported codec (ffmpeg has no decoder)",
    ),
    (
        "not found for input stream",
        Cause::UnsupportedCodec,
        "unsupported codec (ffmpeg has no decoder)",
    ),
    (
        "unknown codec",
        Cause::UnsupportedCodec,
        "unsupported codec (unknown to ffmpeg)",
    ),
    (
        "Invalid data found when processing input",
        Cause::Damaged,
        "damaged, or in a format that ffmpeg cannot read",
    ),
];

/// Returns a plain explanation of a problem with a clip. If none is known, returns the problem
/// unchanged.
///
/// A context that this program added before the tool's message is preserved: `no picture could be
/// decoded: Decoder not found`.
#[must_use]
pub fn explain_problem(problem: &str) -> Cow<'_, str> {
    let (context, message) = match problem.split_once(": ") {
        Some((context, message)) if context.starts_with("no ") => (Some(context), message),
        _ => (None, problem),
    };
    match (find(message), context) {
        (Some((_, text)), None) => Cow::Borrowed(text),
        (Some((_, text)), Some(context)) => Cow::Owned(format!("{context}: {text}")),
        (None, _) => Cow::Borrowed(problem),
    }
}

/// Returns a hint for solving a problem; `None` if no solution is known.
#[must_use]
pub fn problem_hint(problem: &str) -> Option<&'static str> {
    matches!(find(problem), Some((Cause::CutOff, _)))
        .then_some("recovery tools can often repair a recording that was cut off")
}

fn find(message: &str) -> Option<(Cause, &'static str)> {
    MESSAGES
        .iter()
        .find(|(part, _, _)| message.contains(part))
        .map(|&(_, cause, text)| (cause, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn explains_messages_of_known_meaning() {
        for (problem, explained) in [
            (
                "moov atom not found",
                "recording was cut off (no moov atom)",
            ),
            (
                "DRM protected stream detected, decoding will likely fail!",
                "encrypted (protected by DRM)",
            ),
            (
                "Stream map '0:V:0' matches no streams.",
                "no picture in the file",
            ),
            (
                "Decoder (codec none) not found for input stream #0:0",
                "unsupported codec (ffmpeg has no decoder)",
            ),
            (
                "Could not find codec parameters for stream 0 (Video: none): unknown codec",
                "unsupported codec (unknown to ffmpeg)",
            ),
            (
                "Invalid data found when processing input",
                "damaged, or in a format that ffmpeg cannot read",
            ),
        ] {
            assert_eq!(explain_problem(problem), explained);
        }
    }

    #[test]
    fn keeps_context_and_unknown_messages() {
        assert_eq!(
            explain_problem("no picture could be decoded: Decoder not found"),
            "no picture could be decoded: unsupported codec (ffmpeg has no decoder)"
        );
        for problem in [
            "the file is empty",
            "stream 1, timescale not set",
            "no strip could be made: timed out after 60 s",
        ] {
            assert_eq!(explain_problem(problem), problem);
        }
    }

    #[test]
    fn hints_at_recovery_of_cut_off_recordings_only() {
        assert!(problem_hint("moov atom not found").is_some());
        assert!(problem_hint("no picture could be decoded: moov atom not found").is_some());
        assert_eq!(problem_hint("Decoder not found"), None);
        assert_eq!(problem_hint("the file is empty"), None);
    }
}
