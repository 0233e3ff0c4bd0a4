// Package output writes sets of files into directories that may hold anything.
//
// A directory is ours by a Marker that lists what we wrote; nothing else in it is
// ever replaced or removed. A new set is staged inside the directory. To put it in
// place the marker first says that it is being written, then every file is renamed,
// and the marker that says Complete comes last. A process that is killed leaves
// each file as it was or as it shall be: readers refuse such a directory, and the
// next call that writes there finishes the job. The directory itself is neither
// renamed nor removed, since it may be a mount point or a symbolic link.
package output
