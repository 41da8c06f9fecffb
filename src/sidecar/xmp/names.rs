//! XML names in XMP, with their namespaces.

/// Expanded name: namespace and local name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct XmlName(pub &'static str, pub &'static str);

pub(super) const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
/// Namespace that is always bound to the prefix `xml`.
pub(super) const XML: &str = "http://www.w3.org/XML/1998/namespace";
/// Namespace of the attributes that bind prefixes.
pub(super) const XMLNS: &str = "http://www.w3.org/2000/xmlns/";
const DC: &str = "http://purl.org/dc/elements/1.1/";
const XMP: &str = "http://ns.adobe.com/xap/1.0/";
const PHOTOSHOP: &str = "http://ns.adobe.com/photoshop/1.0/";
const XMP_DM: &str = "http://ns.adobe.com/xmp/1.0/DynamicMedia/";
/// Namespace of the values that btsindex stores. It ends with `#` because Exiv2, and thus darktable
/// and digiKam, appends a `/` to a namespace that ends with neither `/` nor `#`.
const OURS: &str = "urn:btsindex:xmp:1#";

/// Namespaces in which btsindex writes, each with its usual prefix.
pub(super) const USUAL: [(&str, &str); 5] = [
    (RDF, "rdf"),
    (DC, "dc"),
    (XMP, "xmp"),
    (XMP_DM, "xmpDM"),
    (OURS, "btsindex"),
];

pub(super) const RDF_RDF: XmlName = XmlName(RDF, "RDF");
pub(super) const DESCRIPTION: XmlName = XmlName(RDF, "Description");
pub(super) const BAG: XmlName = XmlName(RDF, "Bag");
pub(super) const SEQ: XmlName = XmlName(RDF, "Seq");
pub(super) const ALT: XmlName = XmlName(RDF, "Alt");
pub(super) const LI: XmlName = XmlName(RDF, "li");
pub(super) const ABOUT: XmlName = XmlName(RDF, "about");
pub(super) const VALUE: XmlName = XmlName(RDF, "value");
pub(super) const RESOURCE: XmlName = XmlName(RDF, "resource");
pub(super) const PARSE_TYPE: XmlName = XmlName(RDF, "parseType");
pub(super) const LANG: XmlName = XmlName(XML, "lang");
pub(super) const SUBJECT: XmlName = XmlName(DC, "subject");
pub(super) const TITLE: XmlName = XmlName(DC, "title");
pub(super) const SUMMARY: XmlName = XmlName(DC, "description");
pub(super) const FOR_EXTENSION: XmlName = XmlName(PHOTOSHOP, "SidecarForExtension");
pub(super) const RATING: XmlName = XmlName(XMP, "Rating");
pub(super) const GOOD: XmlName = XmlName(XMP_DM, "good");
pub(super) const LOG_COMMENT: XmlName = XmlName(XMP_DM, "logComment");
pub(super) const SCENE: XmlName = XmlName(XMP_DM, "scene");
pub(super) const SHOT: XmlName = XmlName(XMP_DM, "shotName");
pub(super) const TAKE: XmlName = XmlName(XMP_DM, "takeNumber");
pub(super) const REEL: XmlName = XmlName(XMP_DM, "tapeName");
pub(super) const TRACKS: XmlName = XmlName(XMP_DM, "Tracks");
pub(super) const TRACK_NAME: XmlName = XmlName(XMP_DM, "trackName");
pub(super) const TRACK_TYPE: XmlName = XmlName(XMP_DM, "trackType");
pub(super) const FRAME_RATE: XmlName = XmlName(XMP_DM, "frameRate");
pub(super) const MARKERS: XmlName = XmlName(XMP_DM, "markers");
pub(super) const START_TIME: XmlName = XmlName(XMP_DM, "startTime");
pub(super) const DURATION: XmlName = XmlName(XMP_DM, "duration");
pub(super) const MARKER_NAME: XmlName = XmlName(XMP_DM, "name");
pub(super) const COMMENT: XmlName = XmlName(XMP_DM, "comment");
pub(super) const GUID: XmlName = XmlName(XMP_DM, "guid");
pub(super) const CUE_PARAMS: XmlName = XmlName(XMP_DM, "cuePointParams");
pub(super) const KEY: XmlName = XmlName(XMP_DM, "key");
pub(super) const KEY_VALUE: XmlName = XmlName(XMP_DM, "value");
pub(super) const WRITTEN: XmlName = XmlName(OURS, "written");
pub(super) const WRITTEN_TAGS: XmlName = XmlName(OURS, "tags");
pub(super) const WRITTEN_RATING: XmlName = XmlName(OURS, "rating");
pub(super) const WRITTEN_GOOD: XmlName = XmlName(OURS, "good");
pub(super) const WRITTEN_LOG: XmlName = XmlName(OURS, "log");
