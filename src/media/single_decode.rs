//! Decoding of single frames of a file that ffmpeg opens itself.
//!
//! This is slower than `batch_decode`, but also works if the built-in readers cannot locate the
//! frames or `batch_decode` cannot decode them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use ffmpeg_sidecar::command::FfmpegCommand;

use super::ffprobe;
use super::frame::Raster;
use super::probe_error::ProbeError;
use super::process::{self, ProcessLimits};
use super::tool::Tool;

/// Position of the frame to decode.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum SeekPosition {
    /// Last keyframe before this time in seconds, which is fast.
    KeyframeBefore(f64),
    /// Frame at this time in seconds, decoded from the keyframe before it.
    Exact(f64),
    /// Frame with this zero-based number, decoded from the start of the file.
    FrameNumber(u32),
}

/// Input file for ffmpeg.
#[derive(Debug, Clone)]
pub(super) struct Input {
    pub path: PathBuf,
    /// True if the header is sufficient for seeking and decoding, as in MP4, Matroska and MXF. A
    /// transport stream, for example, has no header.
    pub is_described: bool,
}

/// Containers whose header is sufficient for decoding.
const DESCRIBED: [&str; 6] = ["mov", "mp4", "m4a", "3gp", "matroska", "mxf"];

/// Returns true if the header of a container is sufficient for decoding.
pub(super) fn is_described(container: Option<&str>) -> bool {
    container.is_some_and(|container| DESCRIBED.contains(&container))
}

/// Decodes one frame.
///
/// # Errors
/// Returns [`ProbeError::BadFile`] if no frame can be decoded at the position.
pub(super) fn decode_frame(
    input: &Input,
    position: SeekPosition,
    raster: &Raster,
    tool: &Tool,
    limits: &ProcessLimits,
) -> Result<Vec<u8>, ProbeError> {
    let fps_mode = tool.fps_mode_option().map_err(ProbeError::Fatal)?;
    let mut command = ffmpeg_command(tool);
    let command = command.as_inner_mut();
    command.args(input_args(input, position));
    // The stream specifier `V` excludes cover art and thumbnails.
    command.args(["-map", "0:V:0", "-an", "-sn", "-dn", "-frames:v", "1"]);
    if !matches!(position, SeekPosition::Exact(_)) {
        // Without this option, ffmpeg may drop or duplicate the selected frame or frames before the
        // seek time.
        command.args([fps_mode, "passthrough"]);
    }
    let selection = match position {
        SeekPosition::FrameNumber(number) if number > 0 => format!("select=gte(n\\,{number}),"),
        _ => String::new(),
    };
    command.args(["-vf", &format!("{selection}{}", raster.filter())]);
    command.args(output_args(raster));
    let output = process::run(command, raster.bytes(), limits)?;
    if output.stdout.len() != raster.bytes() {
        return Err(ProbeError::BadFile(ffprobe::reason(&output, &input.path)));
    }
    Ok(output.stdout)
}

/// Decodes one frame at each position with a single process, which opens the file once per
/// position.
///
/// # Errors
/// Returns [`ProbeError::BadFile`] if any frame cannot be decoded, since one bad input ends the
/// run.
pub(super) fn decode_frames(
    inputs: &[(Input, SeekPosition)],
    raster: &Raster,
    tool: &Tool,
    limits: &ProcessLimits,
) -> Result<Vec<Vec<u8>>, ProbeError> {
    let fps_mode = tool.fps_mode_option().map_err(ProbeError::Fatal)?;
    let mut command = ffmpeg_command(tool);
    let command = command.as_inner_mut();
    let mut graph = Vec::new();
    for (number, (input, position)) in inputs.iter().enumerate() {
        command.args(input_args(input, *position));
        graph.push(format!(
            "[{number}:V:0]{},trim=end_frame=1,setpts=0,setsar=1,format={}[p{number}];",
            raster.filter(),
            raster.pixel_format()
        ));
    }
    graph.extend((0..inputs.len()).map(|number| format!("[p{number}]")));
    graph.push(format!("concat=n={}[all]", inputs.len()));
    command.args(["-filter_complex", &graph.concat(), "-map", "[all]"]);
    command.args([fps_mode, "passthrough"]);
    command.args(output_args(raster));
    let bytes = raster.bytes() * inputs.len();
    let output = process::run(command, bytes, limits)?;
    if output.stdout.len() != bytes {
        let path = inputs
            .first()
            .map_or(Path::new(""), |(input, _)| &input.path);
        return Err(ProbeError::BadFile(ffprobe::reason(&output, path)));
    }
    let pictures = output.stdout.chunks_exact(raster.bytes().max(1));
    Ok(pictures.map(<[u8]>::to_vec).collect())
}

fn ffmpeg_command(tool: &Tool) -> FfmpegCommand {
    let mut command = FfmpegCommand::new_with_path(&tool.path);
    command
        .as_inner_mut()
        .args(["-hide_banner", "-nostdin", "-v", "error"]);
    command
}

/// Returns the arguments of one input.
fn input_args(input: &Input, position: SeekPosition) -> Vec<OsString> {
    // Frames are rotated later, by the same code as those of other decoders.
    let mut args: Vec<OsString> = ["-threads", "1", "-noautorotate"].map(Into::into).into();
    if input.is_described {
        args.push("-nofind_stream_info".into());
    }
    if let SeekPosition::KeyframeBefore(second) | SeekPosition::Exact(second) = position {
        args.extend(["-ss".into(), format!("{second:.3}").into()]);
    }
    if let SeekPosition::KeyframeBefore(_) = position {
        args.push("-noaccurate_seek".into());
    }
    args.extend(ffprobe::input_args(&input.path));
    args
}

fn output_args(raster: &Raster) -> [&'static str; 7] {
    [
        "-c:v",
        "rawvideo",
        "-pix_fmt",
        raster.pixel_format(),
        "-f",
        "rawvideo",
        "pipe:1",
    ]
}
