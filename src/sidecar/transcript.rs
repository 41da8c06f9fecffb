//! Reader of transcripts: subtitles (`SubRip`, `WebVTT`) and plain text files with the name of the
//! clip.

use crate::clip::{Clip, Fact, Source};

/// Maximum number of characters stored; corresponds to about an hour of speech.
const MAX_CHARS: usize = 60_000;

/// Extracts the spoken words. Drops cue numbers, times and markup.
pub(super) fn read(text: &str) -> Clip {
    let text = text.trim_start_matches('\u{feff}');
    let mut transcript = String::new();
    let mut chars = 0;
    let lines = text.lines().map(str::trim).filter(|line| is_speech(line));
    for line in lines {
        let line = strip_markup(line);
        // Scrolling subtitles repeat each line.
        if line.is_empty() || transcript.ends_with(line.as_str()) {
            continue;
        }
        chars += line.chars().count() + 1;
        if chars > MAX_CHARS {
            break;
        }
        if !transcript.is_empty() {
            transcript.push(' ');
        }
        transcript.push_str(&line);
    }
    Clip {
        transcript: (!transcript.is_empty()).then(|| Fact::new(transcript, Source::TEXT)),
        ..Clip::default()
    }
}

fn is_speech(line: &str) -> bool {
    let is_number = !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit());
    let is_header = line.starts_with("WEBVTT") || line.starts_with("NOTE ") || line == "STYLE";
    !is_number && !is_header && !line.contains("-->")
}

/// Removes markup such as `<i>` and `{\an8}`, and control characters.
fn strip_markup(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut until = None;
    for c in line.chars() {
        match (until, c) {
            (None, '<') => until = Some('>'),
            (None, '{') => until = Some('}'),
            (None, c) if c.is_control() => plain.push(' '),
            (None, c) => plain.push(c),
            (Some(end), c) if c == end => until = None,
            _ => {}
        }
    }
    // An unclosed bracket is not markup.
    if until.is_some() {
        return line.chars().filter(|c| !c.is_control()).collect();
    }
    plain.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transcript(text: &str) -> Option<String> {
        read(text).transcript.map(|fact| fact.value)
    }

    #[test]
    fn extracts_words_from_subtitles_and_plain_text() {
        let srt = "\u{feff}1\r\n00:00:01,000 --> 00:00:02,000\r\n<i>Was it</i> loud?\r\n\r\n2\r\n00:00:02,000 --> 00:00:04,000\r\n{\\an8}Very.\r\n";
        assert_eq!(transcript(srt).as_deref(), Some("Was it loud? Very."));
        let vtt = "WEBVTT\n\n00:01.000 --> 00:02.000\nWas it\n\n00:02.000 --> 00:03.000\nWas it\nloud? 1 < 2\n";
        assert_eq!(transcript(vtt).as_deref(), Some("Was it loud? 1 < 2"));
        assert_eq!(
            transcript("Take 3 is the one.\nShe laughs.").as_deref(),
            Some("Take 3 is the one. She laughs.")
        );
        assert_eq!(transcript("1\n2\n\n"), None);
    }

    #[test]
    fn truncates_long_transcripts() {
        let long =
            transcript(&"many words \n".repeat(100_000).replace("words", "w")).unwrap_or_default();
        assert!(long.chars().count() <= MAX_CHARS);
        let lines: Vec<String> = (0..50_000).map(|n| format!("spoken line {n}")).collect();
        assert!(transcript(&lines.join("\n")).unwrap().chars().count() <= MAX_CHARS);
    }
}
