use super::*;
pub(super) fn is_safe(_world: &World) -> bool {
    true
}
pub(super) fn disks(_world: &World, _file: (Fingerprint, u64)) -> usize {
    0
}
