//! Everything on a drive is hostile: names, contents, links. Tools may misbehave as well.

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::thread;

use crate::shoot::{Answer, Shoot, wait_until, write_program};

const CLIP: &str = "Location Scout/old_tape.avi";

/// Names that a checkout cannot store on every system.
#[cfg(unix)]
fn hostile_names() -> Vec<std::ffi::OsString> {
    use std::os::unix::ffi::OsStringExt;
    let mut names: Vec<std::ffi::OsString> = [
        "it's \"quoted\".avi",
        "🎬 réel 日本.avi",
        "new\nline.avi",
        "-dash.avi",
        "--version.avi",
        "esc\u{1b}[31m\u{1b}]0;title\u{7}.avi",
        "right\u{202e}iva.avi",
        "%03d.avi",
        "concat:a|b.avi",
        "http:x.avi",
        "a:b*c?d[e].avi",
        "$(touch pwned);`id`.avi",
        " blank .avi",
        "tab\there.avi",
    ]
    .map(Into::into)
    .to_vec();
    names.push(std::ffi::OsString::from_vec(b"no\xffutf8\xfe.avi".to_vec()));
    names.push(std::ffi::OsString::from_vec(
        [vec![b'l'; 251], b".avi".to_vec()].concat(),
    ));
    names
}

#[cfg(unix)]
#[test]
fn hostile_file_names_are_treated_as_plain_names() {
    use std::os::unix::ffi::OsStrExt;
    let shoot = Shoot::new();
    let names = hostile_names();
    for (at, name) in names.iter().enumerate() {
        let path = shoot.add(CLIP, name);
        // Each has different content, so each is a separate clip.
        let mut file = fs::File::options().append(true).open(path).unwrap();
        std::io::Write::write_all(&mut file, &[u8::try_from(at).unwrap()]).unwrap();
    }
    let scan = shoot.scan();
    assert_eq!(scan.code, 0, "{}", scan.stderr);
    let clips = shoot.clips();
    assert_eq!(clips.len(), names.len());
    assert!(clips.iter().all(|clip| clip["video_codec"] == "mpeg4"));

    for arguments in [
        &["search"][..],
        &["show", "new\nline.avi"],
        &["search", "title"],
    ] {
        let answer = shoot.run(arguments);
        assert_eq!(answer.code, 0, "{arguments:?}: {}", answer.stderr);
        let is_raw = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
        assert!(
            !answer.stdout.contains(is_raw) && !answer.stderr.contains(is_raw),
            "{}",
            answer.stdout
        );
    }

    // Each path that ends with a zero byte can be opened; so can the one that is not UTF-8.
    let paths = shoot
        .command()
        .args(["search", "-0"])
        .output()
        .unwrap()
        .stdout;
    let paths: Vec<&[u8]> = paths
        .split(|&b| b == 0)
        .filter(|path| !path.is_empty())
        .collect();
    assert_eq!(paths.len(), names.len());
    assert!(
        paths
            .iter()
            .all(|path| Path::new(std::ffi::OsStr::from_bytes(path)).is_file())
    );
    let odd = clips
        .iter()
        .find(|clip| clip["path_bytes"].is_string())
        .unwrap();
    assert!(
        odd["path_bytes"]
            .as_str()
            .unwrap()
            .ends_with("6e6fff75746638fe2e617669")
    );
    assert!(!shoot.footage().join("pwned").exists());
    let dash = shoot
        .command()
        .args(["show", "--", "-dash.avi"])
        .output()
        .unwrap();
    assert!(dash.status.success());
}

#[test]
fn playlists_and_references_open_no_other_file_or_address() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    thread::spawn(move || {
        for call in listener.incoming() {
            counted.fetch_add(1, Ordering::SeqCst);
            drop(call);
        }
    });
    let shoot = Shoot::new();
    let existing = shoot.add(CLIP, "real.avi");
    let url = format!("http://127.0.0.1:{port}/a.ts");
    let existing = existing.to_string_lossy();
    for (name, text) in [
        (
            "hls.mov",
            format!("#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{url}\n#EXT-X-ENDLIST\n"),
        ),
        (
            "hls-local.mov",
            format!("#EXTM3U\n#EXTINF:5,\nfile:{existing}\n#EXT-X-ENDLIST\n"),
        ),
        (
            "concat.mp4",
            format!("ffconcat version 1.0\nfile '{existing}'\nfile '{url}'\n"),
        ),
        (
            "dash.mp4",
            format!(
                "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\"><BaseURL>{url}</BaseURL></MPD>"
            ),
        ),
        (
            "sdp.mov",
            format!(
                "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video {port} RTP/AVP 96\n"
            ),
        ),
        (
            "smil.rm",
            format!("<smil><body><video src=\"{url}\"/></body></smil>"),
        ),
    ] {
        fs::write(shoot.footage().join(name), text).unwrap();
    }
    // The same after binary bytes, for demuxers that probe beyond the start.
    let mut binary = b"\x00\x01\x02".to_vec();
    binary.extend(format!("#EXTM3U\n{url}\n").bytes());
    fs::write(shoot.footage().join("binary.ts"), binary).unwrap();
    let scan = shoot.scan();
    assert_eq!(scan.code, 3);
    assert_eq!(calls.load(Ordering::SeqCst), 0, "an address was opened");
    let read: Vec<_> = shoot
        .clips()
        .into_iter()
        .filter(|clip| !clip["video_codec"].is_null())
        .collect();
    assert_eq!(read.len(), 1, "only the real one was read: {read:?}");
}

#[cfg(unix)]
#[test]
fn pipes_links_and_devices_are_not_opened() {
    use std::os::unix::fs::symlink;
    let shoot = Shoot::new();
    shoot.add(CLIP, "real.avi");
    let footage = shoot.footage();
    assert!(
        Command::new("mkfifo")
            .arg(footage.join("pipe.mov"))
            .status()
            .unwrap()
            .success()
    );
    symlink("/dev/zero", footage.join("zero.mov")).unwrap();
    symlink("nowhere.mov", footage.join("dangling.mov")).unwrap();
    symlink(&footage, footage.join("loop")).unwrap();
    assert_eq!(shoot.scan_counts(&[])["found"], 1);
    let follow = shoot.scan_counts(&["--follow-links"]);
    assert_eq!(follow["found"], 1, "{follow}");
}

#[test]
fn damaged_files_are_reported_and_the_others_are_read() {
    let shoot = Shoot::new();
    shoot.add(CLIP, "good.avi");
    let footage = shoot.footage();
    fs::write(footage.join("zeros.mp4"), vec![0; 200_000]).unwrap();
    fs::write(footage.join("ones.mov"), vec![0xff; 200_000]).unwrap();
    let noise: Vec<u8> = (0..200_000_u32)
        .map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[2])
        .collect();
    for extension in [
        "mp4", "mov", "mxf", "avi", "mkv", "mts", "wav", "r3d", "braw",
    ] {
        fs::write(footage.join(format!("noise.{extension}")), &noise).unwrap();
    }
    fs::write(footage.join("empty.mxf"), b"").unwrap();
    let scan = shoot.scan();
    assert_eq!(scan.code, 3, "{}", scan.stderr);
    assert!(
        scan.stdout
            .contains("zeros.mp4: every sampled byte is zero"),
        "{}",
        scan.stdout
    );
    assert!(
        scan.stdout.contains("empty.mxf: the file is empty"),
        "{}",
        scan.stdout
    );
    assert_eq!(shoot.clip("good.avi")["video_codec"], "mpeg4");
    assert!(shoot.clip("zeros.mp4")["problem"].is_string());
    // It is reported again, although nothing is read again.
    let again = shoot.scan();
    assert_eq!(again.code, 3);
    assert!(
        again.stdout.contains("empty.mxf: the file is empty"),
        "{}",
        again.stdout
    );
}

#[test]
fn oversized_and_malformed_sidecars_are_harmless() {
    let shoot = Shoot::new();
    for name in ["C0001", "C0002", "C0003"] {
        shoot.add("Location Scout/drone/DJI_0042.MP4", format!("{name}.MP4"));
        let mut file = fs::File::options()
            .append(true)
            .open(shoot.footage().join(format!("{name}.MP4")))
            .unwrap();
        std::io::Write::write_all(&mut file, name.as_bytes()).unwrap();
    }
    let bomb = "<!DOCTYPE x [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\">]><NonRealTimeMeta><Device modelName=\"&b;\"/>";
    fs::write(shoot.footage().join("C0001M01.XML"), bomb).unwrap();
    let huge = fs::File::create(shoot.footage().join("C0002M01.XML")).unwrap();
    huge.set_len(4_000_000_000).unwrap();
    fs::write(shoot.footage().join("C0003.SRT"), [0xff; 5000]).unwrap();
    let huge = fs::File::create(shoot.footage().join(".btsignore")).unwrap();
    huge.set_len(4_000_000_000).unwrap();
    let scan = shoot.scan();
    assert_eq!(scan.code, 0, "{}", scan.stderr);
    assert_eq!(shoot.clips().len(), 3);
}

#[test]
fn a_large_gap_in_an_image_sequence_is_cheap() {
    let shoot = Shoot::new();
    for number in ["0000000001", "9999999999"] {
        shoot.add(
            "AdShoot_ACME/Scans/hero_bottle.0001.dpx",
            format!("a.{number}.dpx"),
        );
    }
    let scan = shoot.scan();
    assert_eq!(scan.code, 0, "{}", scan.stderr);
    assert_eq!(shoot.clip("a.[0000000001-9999999999].dpx")["frames"], 2);
}

/// Stand-in for ffprobe and ffmpeg: prints its version, then runs the script.
#[cfg(unix)]
fn scan_with_tool(shoot: &Shoot, script: &str) -> Answer {
    let tool = shoot.folder("tools").join("tool");
    let text = format!(
        "#!/bin/sh\nfor a; do [ \"$a\" = -version ] && echo 'tool version 6.0' && exit; done\n{script}\n"
    );
    write_program(&tool, &text);
    let mut command = shoot.command();
    command
        .args(["scan", "--deadline", "1"])
        .arg(shoot.footage());
    command
        .env("BTSINDEX_FFPROBE", &tool)
        .env("BTSINDEX_FFMPEG", &tool);
    Answer::from_output(&command.output().unwrap())
}

/// Command that hangs, with arguments that no other process on this machine has.
#[cfg(unix)]
fn hanging_command() -> String {
    static CREATED: AtomicU32 = AtomicU32::new(0);
    let created = CREATED.fetch_add(1, Ordering::Relaxed);
    format!("sleep 500.{}{created}", std::process::id())
}

/// Returns true if a process runs this command.
#[cfg(unix)]
fn is_running(command: &str) -> bool {
    let words = command.replace(' ', "\0");
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let lines = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
    lines
        .into_iter()
        .any(|line| String::from_utf8_lossy(&line).contains(&words))
}

#[cfg(unix)]
#[test]
fn a_misbehaving_tool_affects_one_file_only() {
    for (script, reason) in [
        ("exec HANG", "timed out after 1 s"),
        ("trap '' TERM INT; HANG & wait", "timed out after 1 s"),
        ("HANG & echo '{}'; exit 0", "timed out after 1 s"),
        ("exec head -c 100000000 /dev/zero", "output exceeds"),
        ("echo 'not json'", "printed no error"),
        ("kill -SEGV $$", "printed no error"),
        (
            "printf 'x \\033[31m [mov @ 0x5581] odd\\n' >&2; exit 1",
            "odd",
        ),
    ] {
        let shoot = Shoot::new();
        shoot.add(CLIP, "a.avi");
        let hang = hanging_command();
        let scan = scan_with_tool(&shoot, &script.replace("HANG", &hang));
        assert_eq!(scan.code, 3, "{script}: {}", scan.stderr);
        assert!(scan.stdout.contains(reason), "{script}: {}", scan.stdout);
        assert!(!scan.stdout.contains('\u{1b}') && !scan.stderr.contains('\u{1b}'));
        assert!(!is_running(&hang), "{script} left processes behind");
        // The next scan has other tools, retries, and succeeds.
        let counts = shoot.scan_counts(&[]);
        assert_eq!(
            (&counts["read"], &counts["unreadable"]),
            (&1.into(), &0.into()),
            "{script}: {counts}"
        );
    }
}

/// Clips with the same camera and settings, so that one decoder serves all of them.
#[cfg(unix)]
fn cards(shoot: &Shoot) {
    let source = "-f lavfi -i testsrc2=size=160x90:rate=25:duration=2 -c:v libx264 -g 10";
    for number in 0..4 {
        let path = shoot.footage().join(format!("C000{number}.MP4"));
        let title = format!("title={number}");
        let status = std::process::Command::new("ffmpeg")
            .args(["-v", "error"])
            .args(source.split(' '))
            .args(["-metadata", &title, "-pix_fmt", "yuv420p"])
            .arg(path)
            .status();
        assert!(status.unwrap().success());
    }
}

#[cfg(unix)]
fn pictures(shoot: &Shoot, kind: &str) -> usize {
    let folders = fs::read_dir(shoot.catalogue().join(kind));
    folders
        .into_iter()
        .flatten()
        .flatten()
        .flat_map(|folder| fs::read_dir(folder.path()).unwrap())
        .filter(|file| file.as_ref().unwrap().path().extension().unwrap() == "jpg")
        .count()
}

/// Script that ffmpeg runs when frames come through a pipe; otherwise it is the real ffmpeg.
#[cfg(unix)]
fn scan_with_decoder(shoot: &Shoot, fed: &str) -> Answer {
    let tool = shoot.folder("tools").join("ffmpeg");
    let text = format!("#!/bin/sh\ncase \"$*\" in *pipe:0*) {fed} ;; esac\nexec ffmpeg \"$@\"\n");
    write_program(&tool, &text);
    let mut command = shoot.command();
    command
        .args(["scan", "--deadline", "5"])
        .arg(shoot.footage())
        .env("BTSINDEX_FFMPEG", &tool);
    Answer::from_output(&command.output().unwrap())
}

#[cfg(unix)]
#[test]
fn a_misbehaving_decoder_loses_no_clip() {
    let hang = hanging_command();
    let exec_hang = format!("exec {hang}");
    let fed = [
        exec_hang.as_str(),
        "exit 1",
        "head -c 2000 >/dev/null; exit 0",
        "exec cat",
        "head -c 300000 /dev/urandom; exit 0",
        "exec ffmpeg -v error -i pipe:0 -vf scale=8:8 -c:v rawvideo -allow_raw_vfw 1 -f matroska pipe:1",
    ];
    std::thread::scope(|scope| {
        for fed in fed {
            scope.spawn(move || {
                let shoot = Shoot::new();
                cards(&shoot);
                let scan = scan_with_decoder(&shoot, fed);
                assert_eq!(scan.code, 0, "{fed}: {}", scan.stderr);
                assert_eq!(
                    (pictures(&shoot, "posters"), pictures(&shoot, "strips")),
                    (4, 4),
                    "{fed}"
                );
            });
        }
    });
    assert!(!is_running(&hang), "processes were left behind");
}

#[cfg(target_os = "linux")]
#[test]
fn tools_end_when_their_scan_is_killed() {
    let shoot = Shoot::new();
    shoot.add(CLIP, "a.avi");
    let tool = shoot.folder("tools").join("ffprobe");
    let pid_file = shoot.folder("tools").join("pid");
    let hang = hanging_command();
    let script = format!(
        "#!/bin/sh\necho $$ > '{}'\nexec {hang}\n",
        pid_file.display()
    );
    write_program(&tool, &script);
    let mut command = shoot.command();
    command.arg("scan").arg(shoot.footage());
    let mut scan = command.env("BTSINDEX_FFPROBE", &tool).spawn().unwrap();
    wait_until("the tool starts", || is_running(&hang));
    scan.kill().unwrap();
    scan.wait().unwrap();
    wait_until("the tool ends", || !is_running(&hang));
}

#[test]
fn missing_tools_are_reported_before_the_scan_starts() {
    let shoot = Shoot::new();
    shoot.add(CLIP, "a.avi");
    let output = shoot
        .command()
        .arg("scan")
        .arg(shoot.footage())
        .env("BTSINDEX_FFPROBE", "/nowhere/ffprobe")
        .output();
    let answer = Answer::from_output(&output.unwrap());
    assert_eq!(answer.code, 1);
    assert!(
        answer.stderr.contains("cannot run `/nowhere/ffprobe`")
            && answer.stderr.contains("hint: install")
    );
    assert!(!shoot.catalogue().exists());
}

#[test]
fn a_closed_pipe_is_not_a_failure() {
    let shoot = Shoot::with_fixtures();
    shoot.scan_facts();
    let mut search = shoot
        .command()
        .args(["search", "--json"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = search.stdout.take().unwrap();
    let mut first = [0; 10];
    pipe.read_exact(&mut first).unwrap();
    drop(pipe);
    assert_eq!(search.wait().unwrap().code(), Some(0));
}
