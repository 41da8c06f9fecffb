//! ffprobe, asked about one file: the reader of last resort, and the reference.

use std::ffi::OsString;
use std::path::Path;

use ffmpeg_sidecar::command::FfmpegCommand;

use super::header::Header;
use super::process::{self, Limits, Output};
use super::{Tool, Unread};

/// An answer longer than this is no header.
const MOST_OUTPUT: usize = 8 * 1024 * 1024;

/// Formats that hold media themselves. Left out: playlists and scripts, which make ffmpeg
/// open other files or addresses; text formats; and file name patterns.
const FORMATS: &str = "mov,matroska,webm,mxf,avi,wav,w64,aiff,caf,mp3,aac,ac3,eac3,flac,ogg,mpegts,\
    mpeg,mpegvideo,h264,hevc,m4v,mjpeg,mjpeg_2000,ivf,av1,obu,flv,live_flv,asf,asf_o,rm,dv,nut,gxf,amr,\
    amrnb,amrwb,r3d,cine,yuv4mpegpipe,lxf,mlv,vc1,dts,truehd,ape,wv,tta,au,dpx_pipe,exr_pipe,tiff_pipe,\
    j2k_pipe,dnxhd,dirac,h263,ea,film_cpk,smk,bink,4xm,roq,wtv,ty,pva,nsv,mpc,mpc8,ffm,avs";

/// The arguments that every reading of a file from a drive begins with.
///
/// `file:` before the path makes any name a file: one that begins with `-`, one with a
/// colon. The whitelists keep a file from making ffmpeg open anything else.
pub(super) fn input(path: &Path) -> [OsString; 6] {
    let mut url = OsString::from("file:");
    url.push(path);
    [
        "-protocol_whitelist".into(),
        "file".into(),
        "-format_whitelist".into(),
        FORMATS.into(),
        "-i".into(),
        url,
    ]
}

/// Asks ffprobe about one file.
pub(super) fn run(path: &Path, tool: &Tool, limits: &Limits) -> Result<Header, Unread> {
    // Made by hand rather than with `arg`, since ffprobe knows fewer options than ffmpeg.
    let mut command = FfmpegCommand::new_with_path(&tool.path);
    let command = command.as_inner_mut();
    command
        .args([
            "-hide_banner",
            "-v",
            "error",
            "-of",
            "json",
            "-show_format",
            "-show_streams",
        ])
        .args(input(path));
    let output = process::run(command, MOST_OUTPUT, limits)?;
    let answer: Header = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let is_answered = !answer.format.name.is_empty();
    if output.status.success() && is_answered {
        return Ok(answer);
    }
    Err(Unread::Fault(reason(&output, path)))
}

/// The first thing a tool complained of, without the addresses that change from run to run.
pub(super) fn reason(output: &Output, path: &Path) -> String {
    let url = format!("file:{}", path.display());
    // Before it is cut into lines: a name may hold more than one.
    let told = output.stderr.replace(&url, "");
    let mut lines = told
        .lines()
        .map(|line| without_addresses(without_marks(line).trim_start_matches(": ").trim()))
        .filter(|line| !line.is_empty() && !line.starts_with("Last message repeated"));
    let mut reason: String = lines.next().unwrap_or_default().chars().take(200).collect();
    if reason.contains("not on whitelist") {
        "it is a playlist, a script or a kind of file that holds no media itself"
            .clone_into(&mut reason);
    }
    if reason.is_empty() {
        reason = format!("the tool gave no reason, and ended with {}", output.status);
    }
    reason
}

/// A line without the `[mov @ 0x55f0c8]` and `[error]` that it begins with.
fn without_marks(mut line: &str) -> &str {
    while let Some((mark, rest)) = line.split_once("] ")
        && mark.starts_with('[')
    {
        line = rest;
    }
    line
}

/// `0x55f0c8` and the like differ each run, and would make one fault look like many.
fn without_addresses(line: &str) -> String {
    line.split(' ')
        .filter(|word| {
            let digits = word.trim_start_matches('(').strip_prefix("0x");
            digits.is_none_or(|d| d.len() < 8)
        })
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_the_same_each_time_it_is_given() {
        let path = Path::new("/card/a:\nb.mov");
        for (stderr, expected) in [
            (
                "[mov,mp4,m4a,3gp,3g2,mj2 @ 0x55c355] [error] moov atom not found\nfile:/card/a:\nb.mov: Invalid data\n",
                "moov atom not found",
            ),
            (
                "file:/card/a:\nb.mov: Invalid data found\n",
                "Invalid data found",
            ),
            ("", "the tool gave no reason, and ended with exit status: 0"),
        ] {
            let output = Output {
                status: std::process::ExitStatus::default(),
                stdout: Vec::new(),
                stderr: stderr.to_owned(),
            };
            assert_eq!(reason(&output, path), expected);
        }
    }

    #[test]
    fn answers_of_other_versions_are_read_as_far_as_they_go() {
        let json = r#"{"streams":[{"codec_type":"video","profile":578,"new":{}}],"format":{"format_name":"mxf"},"more":1}"#;
        let answer: Header = serde_json::from_str(json).unwrap();
        assert_eq!(answer.streams[0].profile.as_deref(), Some("578"));
        assert_eq!(answer.format.name, "mxf");
    }
}
