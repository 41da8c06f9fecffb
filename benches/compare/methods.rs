//! Methods to get facts and pictures from a set: btsindex, and the tools that people use without
//! it.
//!
//! A method is a list of command lines. Other tools are called as their manuals recommend.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::sets::{Clip, Set};
use crate::tools::Tools;

/// Pictures in a strip.
const TILES: u8 = 10;

/// Writes facts to `$OUT/NAME.json` and a poster to `$OUT/NAME.jpg`, from 35 % of the duration.
const SHELL_LOOP: &str = r#"
name=${0##*/}
ffprobe -v error -of json -show_format -show_streams "$0" >"$OUT/$name.json" &&
seconds=$(sed -n '/"format": {/,$s/ *"duration": "\([0-9]*\).*/\1/p' "$OUT/$name.json") &&
ffmpeg -nostdin -v error -ss $((seconds * 35 / 100)) -i "$0" -frames:v 1 -vf scale=480:-2 \
    -y "$OUT/$name.jpg" &&
test -s "$OUT/$name.jpg"
"#;

const THUMBNAILER_LOOP: &str = r#"
ffmpegthumbnailer -s 480 -t 35 -i "$0" -o "$OUT/${0##*/}.jpg" && test -s "$OUT/${0##*/}.jpg"
"#;

/// Method to get facts or pictures from a set.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Scan,
    ScanFacts,
    ShellLoop,
    Thumbnailer,
    Exiftool,
    Mediainfo,
    Floor,
    FloorHeader,
    ScanStrip,
    TenInputs,
    TenKeyframes,
    FloorStrip,
}

/// Program with its arguments.
pub(crate) struct CommandLine {
    pub(crate) program: OsString,
    pub(crate) arguments: Vec<OsString>,
}

impl CommandLine {
    fn new<A: AsRef<OsStr>>(
        program: impl AsRef<OsStr>,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            arguments: Vec::new(),
        }
        .with(arguments)
    }

    fn with<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        let arguments = arguments.into_iter();
        self.arguments
            .extend(arguments.map(|argument| argument.as_ref().to_owned()));
        self
    }
}

impl Method {
    /// All methods, in the order of the table.
    pub(crate) const ALL: &[Self] = &[
        Self::Scan,
        Self::ShellLoop,
        Self::Thumbnailer,
        Self::Floor,
        Self::ScanFacts,
        Self::Exiftool,
        Self::Mediainfo,
        Self::FloorHeader,
        Self::ScanStrip,
        Self::TenInputs,
        Self::TenKeyframes,
        Self::FloorStrip,
    ];

    /// Returns the name on the command line and in the table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Scan => "btsindex",
            Self::ScanFacts => "btsindex-facts",
            Self::ShellLoop => "shell-loop",
            Self::Thumbnailer => "ffmpegthumbnailer",
            Self::Exiftool => "exiftool",
            Self::Mediainfo => "mediainfo",
            Self::Floor => "floor",
            Self::FloorHeader => "floor-header",
            Self::ScanStrip => "btsindex-strip",
            Self::TenInputs => "ten-inputs",
            Self::TenKeyframes => "ten-keyframes",
            Self::FloorStrip => "floor-strip",
        }
    }

    /// Returns a description of the output, for the table.
    pub(crate) fn output(self) -> &'static str {
        match self {
            Self::Scan | Self::ShellLoop => "facts, poster",
            Self::Thumbnailer => "poster",
            Self::Floor => "few facts, poster",
            Self::ScanFacts | Self::Exiftool | Self::Mediainfo => "facts",
            Self::FloorHeader => "few facts",
            Self::ScanStrip => "facts, poster, strip",
            Self::TenInputs | Self::TenKeyframes => "strip",
            Self::FloorStrip => "few facts, strip",
        }
    }

    /// Returns the option of `btsindex scan` that the method requires.
    pub(crate) fn scan_option(self) -> Option<&'static str> {
        match self {
            Self::ScanFacts => Some("--no-pictures"),
            Self::ScanStrip => Some("--strip"),
            _ => None,
        }
    }

    /// Returns true if the method runs `floor.c`.
    pub(crate) fn is_floor(self) -> bool {
        matches!(self, Self::Floor | Self::FloorHeader | Self::FloorStrip)
    }

    /// Returns true if the method writes one JPEG per clip. btsindex is excluded: it reports
    /// failures itself, and stores its pictures in the catalogue.
    pub(crate) fn writes_pictures(self) -> bool {
        matches!(
            self,
            Self::ShellLoop
                | Self::Thumbnailer
                | Self::Floor
                | Self::TenInputs
                | Self::TenKeyframes
                | Self::FloorStrip
        )
    }

    /// Returns the external programs that the method needs.
    pub(crate) fn programs(self) -> &'static [&'static str] {
        match self {
            Self::ShellLoop => &["ffprobe", "ffmpeg", "find", "xargs", "sed"],
            Self::Thumbnailer => &["ffmpegthumbnailer", "find", "xargs"],
            Self::Exiftool => &["exiftool"],
            Self::Mediainfo => &["mediainfo"],
            Self::TenInputs | Self::TenKeyframes => &["ffmpeg"],
            _ => &[],
        }
    }

    /// Returns the commands to run, in order. All of them write only below `out`.
    pub(crate) fn command_lines(self, set: &Set, tools: &Tools, out: &Path) -> Vec<CommandLine> {
        match self {
            Self::Scan if tools.scan_has("--strip") => {
                vec![scan(set, tools, out, &["--strip", "0"])]
            }
            Self::Scan => vec![scan(set, tools, out, &[])],
            Self::ScanFacts => vec![scan(set, tools, out, &["--no-pictures"])],
            Self::ScanStrip => vec![scan(set, tools, out, &["--strip", &TILES.to_string()])],
            Self::ShellLoop => vec![for_each_clip(set, out, SHELL_LOOP)],
            Self::Thumbnailer => vec![for_each_clip(set, out, THUMBNAILER_LOOP)],
            Self::Exiftool => vec![
                CommandLine::new("exiftool", ["-q", "-r", "-json"]).with([set.folder.as_path()]),
            ],
            Self::Mediainfo => {
                vec![CommandLine::new("mediainfo", ["--Output=JSON"]).with(paths(set))]
            }
            Self::Floor => vec![floor(set, tools, out, &[])],
            Self::FloorHeader => vec![floor(set, tools, out, &["--header-only"])],
            Self::FloorStrip => vec![floor(set, tools, out, &["--strip", &TILES.to_string()])],
            Self::TenInputs => strips(set, out, &[]),
            Self::TenKeyframes => strips(set, out, &["-noaccurate_seek", "-skip_frame", "nokey"]),
        }
    }
}

fn paths(set: &Set) -> impl Iterator<Item = &Path> {
    set.clips.iter().map(|clip| clip.path.as_path())
}

/// Returns the command for a scan into a new catalogue.
fn scan(set: &Set, tools: &Tools, out: &Path, options: &[&str]) -> CommandLine {
    CommandLine::new(&tools.btsindex, ["--catalogue"])
        .with([out.join("catalogue")])
        .with(["scan"])
        .with(options)
        .with([&set.folder])
}

fn floor(set: &Set, tools: &Tools, out: &Path, options: &[&str]) -> CommandLine {
    let program = tools
        .floor
        .as_ref()
        .expect("unusable methods are filtered out");
    CommandLine::new(program, options)
        .with([out])
        .with(paths(set))
}

/// Returns a command that runs `script` for each clip, with the clip as `$0`, as one would type it
/// in a shell.
fn for_each_clip(set: &Set, out: &Path, script: &str) -> CommandLine {
    const LOOP: &str = r#"find "$FOLDER" -type f -print0 | xargs -0 -n1 sh -c "$SCRIPT""#;
    let mut variables = ["FOLDER=", "OUT=", "SCRIPT="].map(OsString::from);
    variables[0].push(&set.folder);
    variables[1].push(out);
    variables[2].push(script);
    CommandLine::new("env", variables).with(["sh", "-c", LOOP])
}

/// Returns one ffmpeg command per clip, which opens the clip once for each picture of its strip.
fn strips(set: &Set, out: &Path, seeking: &[&str]) -> Vec<CommandLine> {
    set.clips
        .iter()
        .map(|clip| strip(clip, out, seeking))
        .collect()
}

fn strip(clip: &Clip, out: &Path, seeking: &[&str]) -> CommandLine {
    let mut command = CommandLine::new("ffmpeg", ["-nostdin", "-v", "error"]);
    for tile in 0..TILES {
        let seconds = (f64::from(tile) + 0.5) / f64::from(TILES) * clip.seconds;
        command = command
            .with(seeking)
            .with(["-ss", &format!("{seconds:.3}"), "-i"])
            .with([&clip.path]);
    }
    let mut picture = out.join(clip.path.file_name().expect("a clip has a name"));
    picture.as_mut_os_string().push(".jpg");
    command
        .with(["-filter_complex"])
        .with([side_by_side()])
        .with(["-frames:v", "1"])
        .with([picture])
}

/// Returns a filter graph that puts the first frame of each input side by side.
fn side_by_side() -> String {
    let scaled = (0..TILES).map(|tile| format!("[{tile}:v]scale=240:-2[tile{tile}];"));
    let tiles = (0..TILES).map(|tile| format!("[tile{tile}]"));
    let graph: String = scaled.chain(tiles).collect();
    format!("{graph}hstack=inputs={TILES}")
}
