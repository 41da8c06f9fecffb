"""FUSE filesystem that mirrors a folder: passthrough.py FOLDER MOUNT SOURCE TYPE [SECONDS]

Reads go through the page cache of the folder's filesystem, as in network filesystems and NTFS drivers. Sizes and times
are cached for SECONDS seconds, here and by the system; opening a file refreshes them, as in sshfs. If SECONDS is
negative, opening does not refresh them. Prints a line once it is mounted."""


import errno
import os
import sys
import time

from fuse import FUSE, FuseOSError, Operations

folder, mount, source, kind = sys.argv[1:5]
seconds = float(sys.argv[5]) if len(sys.argv) > 5 else 0
known = {}
STAT = "st_atime st_ctime st_gid st_ino st_mode st_mtime st_nlink st_size st_uid".split()
SPACE = "f_bavail f_bfree f_blocks f_bsize f_favail f_ffree f_files f_flag f_frsize f_namemax".split()


class Passthrough(Operations):
    def __call__(self, name, path, *arguments):
        try:
            return getattr(self, name)(folder + path, *arguments)
        except OSError as error:
            raise FuseOSError(error.errno or errno.EIO) from error

    def init(self, path):
        print("mounted", flush=True)

    def getattr(self, path, handle=None):
        at, status = known.get(path, (0, None))
        if status is None or time.monotonic() - at >= abs(seconds):
            status = os.lstat(path)
            known[path] = (time.monotonic(), status)
        return {key: getattr(status, key) for key in STAT}

    def readdir(self, path, handle):
        return [".", "..", *os.listdir(path)]

    def statfs(self, path):
        status = os.statvfs(path)
        return {key: getattr(status, key) for key in SPACE}

    def open(self, path, flags):
        if seconds >= 0:
            known[path] = (time.monotonic(), os.lstat(path))
        return os.open(path, flags & ~os.O_DIRECT)

    def create(self, path, mode, info=None):
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)

    def read(self, path, length, start, handle):
        return os.pread(handle, length, start)

    def write(self, path, data, start, handle):
        return os.pwrite(handle, data, start)

    def truncate(self, path, length, handle=None):
        return os.truncate(path, length)

    def fsync(self, path, only_data, handle):
        return os.fsync(handle)

    def flush(self, path, handle):
        return 0

    def release(self, path, handle):
        return os.close(handle)

    def mkdir(self, path, mode):
        return os.mkdir(path, mode)

    def rmdir(self, path):
        return os.rmdir(path)

    def unlink(self, path):
        return os.unlink(path)

    def rename(self, path, to):
        return os.rename(path, folder + to)

    def link(self, path, existing):
        return os.link(folder + existing, path)

    def chmod(self, path, mode):
        return os.chmod(path, mode)

    def chown(self, path, user, group):
        return os.chown(path, user, group)

    def utimens(self, path, times=None):
        return os.utime(path, times)


memory = {"attr_timeout": abs(seconds)} if seconds else {}
FUSE(Passthrough(), mount, foreground=True, fsname=source, subtype=kind, allow_other=True, **memory)
