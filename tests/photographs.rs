//! Photographs next to clips: an XMP sidecar of a photograph is never read for the clip, and never
//! overwritten.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::shoot::Shoot;

const CLIP: &str = "Location Scout/old_tape.avi";

/// Sidecar with two stars and a keyword; `declared` is the extension of the file that it declares.
fn packet(declared: Option<&str>) -> String {
    let declared = declared.map_or_else(String::new, |extension| {
        format!(" photoshop:SidecarForExtension=\"{extension}\"")
    });
    format!(
        r#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmp:Rating="2"{declared}>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">of the sidecar</rdf:li></rdf:Alt></dc:title>
<dc:subject><rdf:Bag><rdf:li>loud</rdf:li></rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"#
    )
}

/// Scanned folder with clips, photographs and sidecars.
struct PhotoFolder {
    shoot: Shoot,
}

impl PhotoFolder {
    fn new(clips: &[&str], stills: &[&str], sidecars: &[(&str, Option<&str>)]) -> Self {
        let shoot = Shoot::new();
        for (number, name) in (0_u8..).zip(clips) {
            let path = shoot.add(CLIP, name);
            // Each has different content, so each is a separate clip.
            let mut bytes = fs::read(&path).unwrap();
            bytes.push(number);
            fs::write(path, bytes).unwrap();
        }
        for name in stills {
            fs::write(shoot.footage().join(name), "a photograph").unwrap();
        }
        for (name, declared) in sidecars {
            fs::write(shoot.footage().join(name), packet(*declared)).unwrap();
        }
        assert_eq!(shoot.scan_facts().code, 0);
        Self { shoot }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.shoot.footage().join(name)
    }

    fn clip_as_json(&self, clip: &str) -> Value {
        self.shoot.clip(clip)
    }

    /// Returns whether a scan took the sidecar's title, and whether `sidecar read` takes its stars.
    fn is_read(&self, clip: &str) -> (bool, bool) {
        let is_scanned = self.clip_as_json(clip)["title"] == "of the sidecar";
        let read = self.shoot.run(&["sidecar", "read", "--author", "anna"]);
        assert!([0, 4].contains(&read.code), "{}", read.stderr);
        (is_scanned, self.clip_as_json(clip)["rating"] == 2)
    }

    /// Tags a clip and writes its sidecar; returns the output.
    fn write(&self, clip: &str) -> String {
        let tagged = self
            .shoot
            .run(&["tag", "add", "ours", clip, "-y", "--author", "anna"]);
        assert_eq!(tagged.code, 0, "{}", tagged.stderr);
        let written = self.shoot.run(&["sidecar", "write", "-y"]);
        assert_eq!(written.code, 0, "{}{}", written.stdout, written.stderr);
        written.stderr
    }
}

fn has_our_tag(path: PathBuf) -> bool {
    fs::read_to_string(path)
        .unwrap()
        .contains("<rdf:li>ours</rdf:li>")
}

#[test]
fn the_sidecar_of_a_live_photograph_is_neither_read_nor_written() {
    for declared in [None, Some("heic")] {
        let folder = PhotoFolder::new(
            &["IMG_0001.MOV"],
            &["IMG_0001.HEIC"],
            &[("IMG_0001.xmp", declared)],
        );
        assert_eq!(
            folder.is_read("IMG_0001.MOV"),
            (false, false),
            "{declared:?}"
        );
        let output = folder.write("IMG_0001.MOV");
        let because = "IMG_0001.MOV.xmp: IMG_0001.xmp may belong to IMG_0001.HEIC";
        assert!(output.contains(because), "{output}");
        let theirs = fs::read_to_string(folder.path("IMG_0001.xmp")).unwrap();
        assert_eq!(theirs, packet(declared));
        assert!(has_our_tag(folder.path("IMG_0001.MOV.xmp")));
        // A scan recognizes our sidecars, and attributes none of their content to others.
        let again = folder.shoot.scan_facts();
        assert_eq!(again.code, 0, "{}", again.stderr);
        assert_eq!(folder.clip_as_json("IMG_0001.MOV")["rating"], Value::Null);
        let unchanged = folder.shoot.run(&["sidecar", "write", "-y"]);
        assert!(
            unchanged
                .stdout
                .starts_with("0 sidecars written, 1 up to date"),
            "{}",
            unchanged.stdout
        );
    }
}

#[test]
fn a_sidecar_that_declares_the_clip_belongs_to_the_clip() {
    for stills in [
        &["IMG_0001.HEIC"][..],
        &["IMG_0001.CR3", "IMG_0001.JPG"],
        &[],
    ] {
        let folder = PhotoFolder::new(&["IMG_0001.MOV"], stills, &[("IMG_0001.xmp", Some("mov"))]);
        assert_eq!(folder.is_read("IMG_0001.MOV"), (true, true), "{stills:?}");
        folder.write("IMG_0001.MOV");
        assert!(has_our_tag(folder.path("IMG_0001.xmp")));
        assert!(!folder.path("IMG_0001.MOV.xmp").exists());
    }
}

#[test]
fn a_sidecar_of_a_deleted_photograph_is_not_used_for_the_clip() {
    // The last two are not extensions.
    for declared in ["CR3", "../MOV", "MOV&#x9;x"] {
        let folder = PhotoFolder::new(&["IMG_0001.MOV"], &[], &[("IMG_0001.xmp", Some(declared))]);
        assert_eq!(folder.is_read("IMG_0001.MOV"), (false, false), "{declared}");
        let output = folder.write("IMG_0001.MOV");
        assert!(
            output.contains("IMG_0001.xmp declares that it belongs to another file"),
            "{output}"
        );
        let theirs = fs::read_to_string(folder.path("IMG_0001.xmp")).unwrap();
        assert_eq!(theirs, packet(Some(declared)));
        assert!(has_our_tag(folder.path("IMG_0001.MOV.xmp")));
    }
}

#[test]
fn the_sidecar_name_of_a_photograph_is_left_free() {
    for still in ["img_0001.jpg", "IMG_0001.DNG"] {
        let folder = PhotoFolder::new(&["IMG_0001.MOV"], &[still], &[]);
        folder.write("IMG_0001.MOV");
        assert!(!folder.path("IMG_0001.xmp").exists(), "{still}");
        assert!(has_our_tag(folder.path("IMG_0001.MOV.xmp")), "{still}");
    }
}

#[test]
fn two_videos_with_the_same_stem_have_separate_sidecars() {
    let clips = ["C0001.MOV", "C0001.MP4"];
    let folder = PhotoFolder::new(&clips, &[], &[("C0001.xmp", None)]);
    for clip in clips {
        assert_eq!(folder.is_read(clip), (false, false), "{clip}");
        folder.write(clip);
        assert!(has_our_tag(folder.path(&format!("{clip}.xmp"))));
    }
    let theirs = fs::read_to_string(folder.path("C0001.xmp")).unwrap();
    assert_eq!(theirs, packet(None));
    let folder = PhotoFolder::new(&clips, &[], &[("C0001.xmp", Some("MP4"))]);
    assert_eq!(folder.is_read("C0001.MP4"), (true, true));
    assert_eq!(folder.is_read("C0001.MOV"), (false, false));
}

#[test]
fn a_clip_without_neighbours_has_the_usual_sidecar() {
    for sidecar in ["C0001.xmp", "c0001.XMP", "C0001.MP4.xmp"] {
        let folder = PhotoFolder::new(&["C0001.MP4"], &["C0002.JPG"], &[(sidecar, None)]);
        assert_eq!(folder.is_read("C0001.MP4"), (true, true), "{sidecar}");
        assert_eq!(folder.write("C0001.MP4"), "", "{sidecar}");
        assert!(has_our_tag(folder.path(sidecar)), "{sidecar}");
    }
    let folder = PhotoFolder::new(&["C0001.MP4"], &[], &[]);
    assert_eq!(folder.write("C0001.MP4"), "");
    assert!(has_our_tag(folder.path("C0001.xmp")));
}
