//! Tests of reading sidecars of various programs.

use std::path::Path;

use super::*;

/// Sidecar of a clip as Premiere Pro writes it.
pub(super) const PREMIERE: &str = r#"<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Adobe XMP Core 9.1-c002">
   <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
      <rdf:Description rdf:about=""
            xmlns:xmp="http://ns.adobe.com/xap/1.0/"
            xmlns:xmpDM="http://ns.adobe.com/xmp/1.0/DynamicMedia/"
            xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/"
            xmlns:dc="http://purl.org/dc/elements/1.1/">
         <xmp:MetadataDate>2026-05-02T14:00:00+02:00</xmp:MetadataDate>
         <xmpDM:good>True</xmpDM:good>
         <xmpDM:scene>12A</xmpDM:scene>
         <xmpDM:shotName>wide</xmpDM:shotName>
         <xmpDM:takeNumber>3</xmpDM:takeNumber>
         <xmpDM:tapeName>A001</xmpDM:tapeName>
         <xmpDM:logComment>first line&#xD;second</xmpDM:logComment>
         <xmpDM:duration rdf:parseType="Resource">
            <xmpDM:value>6035539564454400</xmpDM:value>
            <xmpDM:scale>1/254016000000</xmpDM:scale>
         </xmpDM:duration>
         <xmpDM:Tracks>
            <rdf:Bag>
               <rdf:li rdf:parseType="Resource">
                  <xmpDM:trackName>Comment</xmpDM:trackName>
                  <xmpDM:trackType>Comment</xmpDM:trackType>
                  <xmpDM:frameRate>f254016000000</xmpDM:frameRate>
                  <xmpDM:markers>
                     <rdf:Seq>
                        <rdf:li rdf:parseType="Resource">
                           <xmpDM:startTime>635040000000</xmpDM:startTime>
                           <xmpDM:duration>254016000000</xmpDM:duration>
                           <xmpDM:comment>looks&#xD;up</xmpDM:comment>
                           <xmpDM:name>Lion</xmpDM:name>
                           <xmpDM:guid>0da28cca-90e6-410f-92f7-ecc84f8bccb6</xmpDM:guid>
                        </rdf:li>
                        <rdf:li rdf:parseType="Resource">
                           <xmpDM:startTime>8475667200</xmpDM:startTime>
                        </rdf:li>
                     </rdf:Seq>
                  </xmpDM:markers>
               </rdf:li>
               <rdf:li>
                  <rdf:Description
                   xmpDM:trackName="Markers"
                   xmpDM:frameRate="f30000s1001">
                  <xmpDM:markers>
                     <rdf:Seq>
                     <rdf:li
                      xmpDM:startTime="300"
                      xmpDM:name="ten"/>
                     <rdf:li>
                        <rdf:Description xmpDM:startTime="15f24" xmpDM:comment="own rate"/>
                     </rdf:li>
                     </rdf:Seq>
                  </xmpDM:markers>
                  </rdf:Description>
               </rdf:li>
            </rdf:Bag>
         </xmpDM:Tracks>
         <xmpMM:History>
            <rdf:Seq>
               <rdf:li rdf:parseType="Resource"/>
            </rdf:Seq>
         </xmpMM:History>
      </rdf:Description>
   </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"#;

/// Sidecar as Lightroom writes it: compact attributes, and hierarchical keywords in addition to
/// plain ones.
pub(super) const LIGHTROOM: &str = r#"<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Adobe XMP Core 7.0">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
    xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"
   xmp:Rating="3"
   xmp:Label="Red"
   crs:Exposure2012='+0.35'>
   <dc:subject>
    <rdf:Bag>
     <rdf:li>B-Roll</rdf:li>
     <rdf:li>Interview</rdf:li>
    </rdf:Bag>
   </dc:subject>
   <dc:title>
    <rdf:Alt>
     <rdf:li xml:lang="de">Salz</rdf:li>
     <rdf:li xml:lang="x-default">Salt &amp; Sand</rdf:li>
    </rdf:Alt>
   </dc:title>
   <lr:hierarchicalSubject>
    <rdf:Bag>
     <rdf:li>kind|B-Roll</rdf:li>
    </rdf:Bag>
   </lr:hierarchicalSubject>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
"#;

/// Sidecar as exiftool writes it: one block per namespace, with attributes in single quotes.
pub(super) const EXIFTOOL: &str = "<?xpacket begin='\u{feff}' id='W5M0MpCehiHzreSzNTczkc9d'?>
<x:xmpmeta xmlns:x='adobe:ns:meta/' x:xmptk='Image::ExifTool 12.57'>
<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>

 <rdf:Description rdf:about=''
  xmlns:dc='http://purl.org/dc/elements/1.1/'>
  <dc:subject>
   <rdf:Bag>
    <rdf:li>rain</rdf:li>
   </rdf:Bag>
  </dc:subject>
 </rdf:Description>

 <rdf:Description rdf:about=''
  xmlns:xmp='http://ns.adobe.com/xap/1.0/'>
  <xmp:Rating>5</xmp:Rating>
 </rdf:Description>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end='w'?>";

/// Sidecar as darktable writes it: properties as attributes, and keywords in a sequence.
pub(super) const DARKTABLE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 4.4.0-Exiv2">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:darktable="http://darktable.sf.net/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
   xmp:Rating="0"
   darktable:xmp_version="5">
   <dc:subject>
    <rdf:Seq>
     <rdf:li>night</rdf:li>
    </rdf:Seq>
   </dc:subject>
   <darktable:history>
    <rdf:Seq/>
   </darktable:history>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
"#;

#[test]
fn reads_premiere() {
    let packet = read(PREMIERE);
    assert_eq!(packet.good, Some(true));
    assert_eq!(packet.scene.as_deref(), Some("12A"));
    assert_eq!(packet.shot.as_deref(), Some("wide"));
    assert_eq!(packet.take.as_deref(), Some("3"));
    assert_eq!(packet.reel.as_deref(), Some("A001"));
    assert_eq!(packet.log_comment.as_deref(), Some("first line\nsecond"));
    assert_eq!(
        packet.markers,
        [
            xmp_marker(2_500_000, 1_000_000, "Lion: looks\nup"),
            xmp_marker(33_366, 0, ""),
            xmp_marker(10_010_000, 0, "ten"),
            xmp_marker(625_000, 0, "own rate"),
        ]
    );
    assert_eq!(packet.last_synced, LastSynced::default());
}

#[test]
fn reads_lightroom_exiftool_and_darktable() {
    let packet = read(LIGHTROOM);
    assert_eq!(packet.tags, ["B-Roll", "Interview"]);
    assert_eq!(packet.rating, Some(3));
    assert_eq!(packet.title.as_deref(), Some("Salt & Sand"));
    let packet = read(EXIFTOOL);
    assert_eq!((packet.tags, packet.rating), (owned(&["rain"]), Some(5)));
    let packet = read(DARKTABLE);
    assert_eq!((packet.tags, packet.rating), (owned(&["night"]), Some(0)));
}

#[test]
fn reads_equivalent_forms_of_a_property() {
    for (attributes, elements) in [
        (r#"dc:subject="rain" xmp:Rating="4" dc:title="Salt""#, ""),
        (
            "",
            "<dc:subject>rain</dc:subject><xmp:Rating> 4.0 </xmp:Rating><dc:title>Salt</dc:title>",
        ),
        (
            "",
            r#"<dc:subject><rdf:Alt><rdf:li lr:x="y">
                rain</rdf:li></rdf:Alt></dc:subject>
               <xmp:Rating rdf:parseType="Resource"><rdf:value>4</rdf:value><lr:by>me</lr:by></xmp:Rating>
               <dc:title><rdf:Alt><rdf:li xml:lang="en"><![CDATA[Salt]]></rdf:li></rdf:Alt></dc:title>"#,
        ),
        (
            "",
            r#"<dc:subject><rdf:Bag><rdf:li rdf:parseType="Resource"><rdf:value>rain</rdf:value></rdf:li>
               </rdf:Bag></dc:subject><dc:title rdf:resource="Salt"/>
               <xmp:Rating><rdf:Description rdf:value="4" lr:by="me"/></xmp:Rating>"#,
        ),
        (
            "",
            r#"</rdf:Description><rdf:Description xmlns:q="http://purl.org/dc/elements/1.1/" rdf:about="">
               <q:subject>ra<!-- in -->in</q:subject></rdf:Description><rdf:Description rdf:about=""
               xmlns="http://ns.adobe.com/xap/1.0/"><Rating>4</Rating>
               <title xmlns="http://purl.org/dc/elements/1.1/">S&#97;lt</title>"#,
        ),
    ] {
        let packet = read(&packet(attributes, elements));
        assert_eq!(packet.tags, ["rain"], "{elements}");
        assert_eq!(packet.rating, Some(4), "{elements}");
        assert_eq!(packet.title.as_deref(), Some("Salt"), "{elements}");
    }
}

#[test]
fn resolves_prefixes_by_their_bindings() {
    let other = packet("", r#"<dc:subject xmlns:dc="urn:other">rain</dc:subject>"#);
    assert_eq!(read(&other), Packet::default());
    let inner = packet(
        "",
        "<lr:nest><rdf:Description><dc:title>x</dc:title></rdf:Description></lr:nest>",
    );
    assert_eq!(read(&inner), Packet::default());
}

#[test]
fn markers_outside_tracks_count_seconds() {
    let loose = packet(
        "",
        r#"<xmpDM:markers><rdf:Seq>
            <rdf:li xmpDM:startTime="90" xmpDM:duration="maximum" xmpDM:name="same" xmpDM:comment="same"/>
            <rdf:li xmpDM:startTime="-1" xmpDM:name="before the clip"/>
            <rdf:li xmpDM:startTime="15f1000" xmpDM:duration="5f1000"/>
            <rdf:li rdf:parseType="Resource"/>
        </rdf:Seq></xmpDM:markers>
        <xmpDM:Tracks><rdf:Bag>
            <rdf:li xmpDM:trackName="none"/>
            <rdf:li rdf:parseType="Resource"><xmpDM:frameRate>fast</xmpDM:frameRate>
              <xmpDM:markers><rdf:Seq><rdf:li xmpDM:startTime="1" xmpDM:name="without a rate"/>
              <rdf:li xmpDM:startTime="1f25" xmpDM:name="with its own rate"/></rdf:Seq></xmpDM:markers></rdf:li>
        </rdf:Bag></xmpDM:Tracks>"#,
    );
    assert_eq!(
        read(&loose).markers,
        [
            xmp_marker(40_000, 0, "with its own rate"),
            xmp_marker(90_000_000, 0, "same"),
            xmp_marker(15_000, 5_000, ""),
            xmp_marker(0, 0, ""),
        ]
    );
}

#[test]
fn ignores_invalid_values() {
    let packet = read(&packet(
        r#"xmp:Rating="five" xmpDM:good="yes" xmpDM:scene=" " xmpDM:Tracks="x""#,
        "<dc:subject><rdf:Bag/></dc:subject><dc:title><rdf:Alt/></dc:title>",
    ));
    assert_eq!(packet, Packet::default());
}

#[test]
fn reads_title_comment_and_reel_into_a_clip() {
    let clip = super::super::read(PREMIERE.as_bytes(), Path::new("C0001.MP4"));
    assert_eq!(
        clip.reel.unwrap(),
        Fact::new("A001".to_owned(), Source::XMP_FILE)
    );
    assert_eq!(clip.comment.unwrap().value, "first line\nsecond");
    let clip = super::super::read(LIGHTROOM.as_bytes(), Path::new("C0001.MP4"));
    assert_eq!(clip.title.unwrap().value, "Salt & Sand");
    assert_eq!(
        super::super::read(b"<x/>", Path::new("C0001.MP4")),
        Clip::default()
    );
    // Notes that btsindex wrote are not read as facts.
    let noted = merge_text(PREMIERE, &everything());
    assert_eq!(
        super::super::read(&noted.bytes, Path::new("C0001.MP4"))
            .comment
            .unwrap()
            .value,
        "first line\nsecond"
    );
    let new = merge(None, &everything()).unwrap();
    assert_eq!(
        super::super::read(&new.bytes, Path::new("C0001.MP4")),
        Clip::default()
    );
}

#[test]
fn recognizes_xmp_by_its_extension() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("A001.XMP");
    for (text, reel) in [
        (PREMIERE.to_owned(), Some("A001")),
        (PREMIERE.to_owned() + &" ".repeat(encoding::MAX_BYTES), None),
        (String::new(), None),
    ] {
        std::fs::write(&path, text).unwrap();
        let clip = crate::sidecar::read(&path, &path.with_extension("mov")).unwrap();
        assert_eq!(clip.reel.map(|reel| reel.value).as_deref(), reel);
    }
}
