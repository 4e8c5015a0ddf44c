/* A disk that loses, when the power goes, what was not flushed. Loaded before the C library by LD_PRELOAD.
 *
 * What is written below $POWERCUT_FOLDER goes there as always; what fsync(2) and fdatasync(2) have promised of it is kept
 * a second time below $POWERCUT_KEPT. A file's name is kept once its folder was flushed. With $POWERCUT_EARLY sectors of
 * what was not flushed reach the disk as well, some of them, as a real disk does; with $POWERCUT_LIES flushing does
 * nothing, so that a test can show that it would see the loss.
 *
 * No file is opened here that SQLite uses: closing it would take SQLite's locks away.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FILES 16
#define SECTOR 512

struct range { off_t at; size_t length; };
struct file { char name[NAME_MAX + 1]; int kept; struct range *ranges; size_t used, room; };

static struct file files[FILES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned chance = 20;

/* The name of an open file in the folder, "." for the folder itself, or NULL for what does not matter. */
static const char *name_of(int descriptor, char *room)
{
    const char *folder = getenv("POWERCUT_FOLDER");
    char link[64];
    ssize_t length;
    size_t start;

    if (folder == NULL)
        return NULL;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    length = readlink(link, room, PATH_MAX);
    if (length < 0 || length > PATH_MAX)
        return NULL;
    room[length] = 0;
    start = strlen(folder);
    if (strncmp(room, folder, start) != 0)
        return NULL;
    if (room[start] == 0)
        return ".";
    if (room[start] != '/' || strchr(room + start + 1, '/') || strstr(room + start, "-shm"))
        return NULL;
    return room + start + 1;
}

static int kept_open(const char *prefix, const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s%s", getenv("POWERCUT_KEPT"), prefix, name);
    return syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

static struct file *file_of(const char *name)
{
    for (size_t number = 0; number < FILES; number++) {
        if (files[number].name[0] == 0) {
            snprintf(files[number].name, sizeof files[number].name, "%s", name);
            files[number].kept = kept_open("", name);
        }
        if (strcmp(files[number].name, name) == 0)
            return &files[number];
    }
    abort();
}

static void note(struct file *file, off_t at, size_t length)
{
    if (file->used == file->room) {
        file->room = file->room ? 2 * file->room : 256;
        file->ranges = realloc(file->ranges, file->room * sizeof *file->ranges);
        if (file->ranges == NULL)
            abort();
    }
    file->ranges[file->used++] = (struct range){at, length};
}

static void written(int descriptor, const char *octets, off_t at, ssize_t length)
{
    char room[PATH_MAX + 1];
    int before = errno;
    const char *name = length > 0 ? name_of(descriptor, room) : NULL;

    if (name != NULL && name[0] != '.') {
        pthread_mutex_lock(&lock);
        struct file *file = file_of(name);
        note(file, at, length);
        for (off_t from = at; getenv("POWERCUT_EARLY") && from < at + length;) {
            off_t to = (from / SECTOR + 1) * SECTOR;
            to = to < at + length ? to : at + length;
            if (rand_r(&chance) % 2)
                syscall(SYS_pwrite64, file->kept, octets + (from - at), to - from, from);
            from = to;
        }
        pthread_mutex_unlock(&lock);
    }
    errno = before;
}

static void keep(int descriptor, struct file *file)
{
    char octets[65536];
    struct stat now;

    for (size_t number = 0; number < file->used; number++) {
        struct range range = file->ranges[number];
        while (range.length > 0) {
            size_t wanted = range.length < sizeof octets ? range.length : sizeof octets;
            ssize_t got = syscall(SYS_pread64, descriptor, octets, wanted, range.at);
            if (got <= 0)
                break;
            syscall(SYS_pwrite64, file->kept, octets, got, range.at);
            range.at += got;
            range.length -= got;
        }
    }
    file->used = 0;
    if (fstat(descriptor, &now) == 0)
        syscall(SYS_ftruncate, file->kept, now.st_size);
}

/* What was removed from the folder is removed when the folder is flushed, and what is new is there from then on. */
static void keep_names(void)
{
    DIR *folder = opendir(getenv("POWERCUT_KEPT"));
    char real[2 * PATH_MAX];
    struct dirent *entry;

    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        if (strncmp(entry->d_name, "named-", 6) != 0)
            continue;
        snprintf(real, sizeof real, "%s/%s", getenv("POWERCUT_FOLDER"), entry->d_name + 6);
        if (access(real, F_OK) != 0)
            unlinkat(dirfd(folder), entry->d_name, 0);
    }
    if (folder != NULL)
        closedir(folder);
    folder = opendir(getenv("POWERCUT_FOLDER"));

    while (folder != NULL && (entry = readdir(folder)) != NULL)
        if (entry->d_type == DT_REG && strstr(entry->d_name, "-shm") == NULL)
            close(kept_open("named-", entry->d_name));
    if (folder != NULL)
        closedir(folder);
}

static void flushed(int descriptor)
{
    char room[PATH_MAX + 1];
    int before = errno;
    const char *name = getenv("POWERCUT_LIES") ? NULL : name_of(descriptor, room);

    if (name != NULL) {
        pthread_mutex_lock(&lock);
        if (name[0] == '.')
            keep_names();
        else
            keep(descriptor, file_of(name));
        pthread_mutex_unlock(&lock);
    }
    errno = before;
}

ssize_t pwrite64(int descriptor, const void *octets, size_t length, off_t at)
{
    ssize_t done = syscall(SYS_pwrite64, descriptor, octets, length, at);
    written(descriptor, octets, at, done);
    return done;
}

ssize_t pwrite(int descriptor, const void *octets, size_t length, off_t at)
{
    return pwrite64(descriptor, octets, length, at);
}

ssize_t write(int descriptor, const void *octets, size_t length)
{
    off_t at = lseek(descriptor, 0, SEEK_CUR);
    ssize_t done = syscall(SYS_write, descriptor, octets, length);
    if (at >= 0)
        written(descriptor, octets, at, done);
    return done;
}

int fsync(int descriptor)
{
    int done = syscall(SYS_fsync, descriptor);
    if (done == 0)
        flushed(descriptor);
    return done;
}

int fdatasync(int descriptor)
{
    int done = syscall(SYS_fdatasync, descriptor);
    if (done == 0)
        flushed(descriptor);
    return done;
}
