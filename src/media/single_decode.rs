//! Pictures of a file that ffmpeg opens itself: the way for everything whose frames cannot
//! be picked out of it here, and for what the harvest lost.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use ffmpeg_sidecar::command::FfmpegCommand;

use super::frame::Raster;
use super::process::{self, Limits};
use super::{Tool, Unread, ffprobe};

/// Where in a file a picture is taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Place {
    /// The keyframe before this second: cheap.
    Near(f64),
    /// The picture at this second, decoded up to it.
    At(f64),
    /// The picture of this number, all before it decoded.
    Number(u32),
}

/// A file and how ffmpeg is to open it.
#[derive(Debug, Clone)]
pub(super) struct Input {
    pub path: PathBuf,
    /// Whether the header is enough to seek and decode by: it is in MP4, Matroska and MXF;
    /// a transport stream has none.
    pub is_described: bool,
}

/// Containers whose header says what decoding takes.
const DESCRIBED: [&str; 6] = ["mov", "mp4", "m4a", "3gp", "matroska", "mxf"];

/// Whether a container's header is enough.
pub(super) fn is_described(container: Option<&str>) -> bool {
    container.is_some_and(|container| DESCRIBED.contains(&container))
}

/// Takes one picture.
///
/// # Errors
/// When none can be decoded there.
pub(super) fn one(
    input: &Input,
    place: Place,
    raster: &Raster,
    tool: &Tool,
    limits: &Limits,
) -> Result<Vec<u8>, Unread> {
    let passthrough = tool.passthrough().map_err(Unread::Fatal)?;
    let mut command = begin(tool);
    let command = command.as_inner_mut();
    command.args(opened(input, place));
    // `V` leaves out covers and thumbnails.
    command.args(["-map", "0:V:0", "-an", "-sn", "-dn", "-frames:v", "1"]);
    if !matches!(place, Place::At(_)) {
        // Else the frames before the sought time, or the chosen one, would be dropped or doubled.
        command.args([passthrough, "passthrough"]);
    }
    let choice = match place {
        Place::Number(number) if number > 0 => format!("select=gte(n\\,{number}),"),
        _ => String::new(),
    };
    command.args(["-vf", &format!("{choice}{}", raster.filter())]);
    command.args(raw(raster));
    let output = process::run(command, raster.bytes(), limits)?;
    if output.stdout.len() != raster.bytes() {
        return Err(Unread::Fault(ffprobe::reason(&output, &input.path)));
    }
    Ok(output.stdout)
}

/// Takes one picture at each place, in one run that opens the file anew for each.
///
/// # Errors
/// When any of them cannot be decoded: one bad input ends the whole run.
pub(super) fn several(
    inputs: &[(Input, Place)],
    raster: &Raster,
    tool: &Tool,
    limits: &Limits,
) -> Result<Vec<Vec<u8>>, Unread> {
    let passthrough = tool.passthrough().map_err(Unread::Fatal)?;
    let mut command = begin(tool);
    let command = command.as_inner_mut();
    let mut graph = Vec::new();
    for (number, (input, place)) in inputs.iter().enumerate() {
        command.args(opened(input, *place));
        graph.push(format!(
            "[{number}:V:0]{},trim=end_frame=1,setpts=0,setsar=1,format={}[p{number}];",
            raster.filter(),
            raster.pixel_format()
        ));
    }
    graph.extend((0..inputs.len()).map(|number| format!("[p{number}]")));
    graph.push(format!("concat=n={}[all]", inputs.len()));
    command.args(["-filter_complex", &graph.concat(), "-map", "[all]"]);
    command.args([passthrough, "passthrough"]);
    command.args(raw(raster));
    let bytes = raster.bytes() * inputs.len();
    let output = process::run(command, bytes, limits)?;
    if output.stdout.len() != bytes {
        let path = inputs
            .first()
            .map_or(Path::new(""), |(input, _)| &input.path);
        return Err(Unread::Fault(ffprobe::reason(&output, path)));
    }
    let pictures = output.stdout.chunks_exact(raster.bytes().max(1));
    Ok(pictures.map(<[u8]>::to_vec).collect())
}

fn begin(tool: &Tool) -> FfmpegCommand {
    let mut command = FfmpegCommand::new_with_path(&tool.path);
    command
        .as_inner_mut()
        .args(["-hide_banner", "-nostdin", "-v", "error"]);
    command
}

/// The options of an input and the input.
fn opened(input: &Input, place: Place) -> Vec<OsString> {
    // Pictures are turned afterwards, one way for all.
    let mut args: Vec<OsString> = ["-threads", "1", "-noautorotate"].map(Into::into).into();
    if input.is_described {
        args.push("-nofind_stream_info".into());
    }
    if let Place::Near(second) | Place::At(second) = place {
        args.extend(["-ss".into(), format!("{second:.3}").into()]);
    }
    if let Place::Near(_) = place {
        args.push("-noaccurate_seek".into());
    }
    args.extend(ffprobe::input(&input.path));
    args
}

fn raw(raster: &Raster) -> [&'static str; 7] {
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
