//! Header reader that runs ffprobe, which is the fallback for all formats and the reference in
//! tests.

use std::ffi::OsString;
use std::path::Path;

use ffmpeg_sidecar::command::FfmpegCommand;

use super::ffprobe_json;
use super::header::MediaHeader;
use super::probe_error::ProbeError;
use super::process::{self, Output, ProcessLimits};
use super::tool::Tool;

/// Version of this reader. Increase it when the reader gives other facts or supports other files.
pub(super) const VERSION: u32 = 1;

/// Maximum length of ffprobe's output in bytes. A header is shorter.
const MAX_OUTPUT: usize = 8 * 1024 * 1024;

/// Formats that contain media. The list excludes text formats and file name patterns. It also
/// excludes playlists and scripts, which make ffmpeg open other files or addresses.
const FORMATS: &str = "mov,matroska,webm,mxf,avi,wav,w64,aiff,caf,mp3,aac,ac3,eac3,flac,ogg,mpegts,\
    mpeg,mpegvideo,h264,hevc,m4v,mjpeg,mjpeg_2000,ivf,av1,obu,flv,live_flv,asf,asf_o,rm,dv,nut,gxf,amr,\
    amrnb,amrwb,r3d,cine,yuv4mpegpipe,lxf,mlv,vc1,dts,truehd,ape,wv,tta,au,dpx_pipe,exr_pipe,tiff_pipe,\
    j2k_pipe,dnxhd,dirac,h263,ea,film_cpk,smk,bink,4xm,roq,wtv,ty,pva,nsv,mpc,mpc8,ffm,avs";

/// Returns ffmpeg's input arguments for a file.
///
/// The prefix `file:` makes ffmpeg treat any name as a file, even one that begins with `-` or
/// contains a colon. The whitelists prevent ffmpeg from opening other files or addresses that a
/// file refers to.
pub(super) fn input_args(path: &Path) -> [OsString; 6] {
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

/// Runs ffprobe on a file and parses its output.
pub(super) fn run(
    path: &Path,
    tool: &Tool,
    limits: &ProcessLimits,
) -> Result<MediaHeader, ProbeError> {
    // Use the inner command, since the wrapper's methods are made for ffmpeg, and ffprobe supports
    // fewer options.
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
        .args(input_args(path));
    let output = process::run(command, MAX_OUTPUT, limits)?;
    match ffprobe_json::parse(&output.stdout) {
        Some(header) if output.status.success() => Ok(header),
        _ => Err(ProbeError::BadFile(reason(&output, path))),
    }
}

/// Returns the first line of a tool's error output, without memory addresses.
pub(super) fn reason(output: &Output, path: &Path) -> String {
    let url = format!("file:{}", path.display());
    // Remove the name before splitting into lines, since a file name may contain line breaks.
    let stderr = output.stderr.replace(&url, "");
    let mut lines = stderr
        .lines()
        .map(|line| strip_addresses(strip_marks(line).trim_start_matches(": ").trim()))
        .filter(|line| !line.is_empty() && !line.starts_with("Last message repeated"));
    let mut reason: String = lines.next().unwrap_or_default().chars().take(200).collect();
    if reason.contains("not on whitelist") {
        "playlist, script or other file that does not contain media itself".clone_into(&mut reason);
    }
    if reason.is_empty() {
        reason = format!("the tool ended with {} and printed no error", output.status);
    }
    reason
}

/// Strips leading marks, such as `[mov @ 0x55f0c8]` and `[error]`, from a line.
fn strip_marks(mut line: &str) -> &str {
    while let Some((mark, rest)) = line.split_once("] ")
        && mark.starts_with('[')
    {
        line = rest;
    }
    line
}

/// Removes memory addresses such as `0x55f0c8`. They differ in each run, so one error would look
/// like many.
fn strip_addresses(line: &str) -> String {
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
    fn returns_the_same_reason_in_every_run() {
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
            (
                "",
                "the tool ended with exit status: 0 and printed no error",
            ),
        ] {
            let output = Output {
                status: std::process::ExitStatus::default(),
                stdout: Vec::new(),
                stderr: stderr.to_owned(),
            };
            assert_eq!(reason(&output, path), expected);
        }
    }
}
