//! Why a sidecar cannot be read or written: each reason tells where it lies.

/// What is wrong with an XMP sidecar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum XmpError {
    /// It has more bytes than any sidecar needs.
    #[error("it is larger than {most} bytes")]
    TooLarge {
        /// So many are read.
        most: usize,
    },
    /// Its bytes are no text.
    #[error("it is neither UTF-8 nor UTF-16")]
    Encoding,
    /// It is not well-formed XML, or uses what no sidecar may.
    #[error("line {line}: {reason}")]
    Malformed {
        /// The line, counted from one.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
    /// It is XML, but says nothing in RDF.
    #[error("there is no `rdf:RDF` in it")]
    NoRdf,
    /// A property that is to be written has a shape that cannot be added to.
    #[error("its `{property}` is not a list")]
    NoList {
        /// The property, with its usual prefix.
        property: &'static str,
    },
}
