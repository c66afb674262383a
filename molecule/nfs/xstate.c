/* User-mode Linux before 6.13 stores 2,696 bytes of a process's registers. On a processor with more (Intel's AMX) the host accepts
   only the full set, and the first process of the machine dies. This library, preloaded, pads the set with zeros: the rest is unused. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>

static char registers[65536];

long ptrace(enum __ptrace_request request, ...)
{
    static long (*real)(enum __ptrace_request, pid_t, void *, void *);
    static size_t size; /* of the registers of the host */
    if (!real)
        real = (long (*)(enum __ptrace_request, pid_t, void *, void *))dlsym(RTLD_NEXT, "ptrace");

    va_list arguments;
    va_start(arguments, request);
    pid_t process = va_arg(arguments, pid_t);
    void *address = va_arg(arguments, void *), *data = va_arg(arguments, void *);
    va_end(arguments);
    if (request != PTRACE_SETREGSET || (size_t)address != NT_X86_XSTATE)
        return real(request, process, address, data);

    struct iovec *given = data, whole = {registers, sizeof registers};
    if (!size) {
        if (real(PTRACE_GETREGSET, process, address, &whole))
            return -1;
        size = whole.iov_len;
        memset(registers, 0, size);
    }
    memcpy(registers, given->iov_base, given->iov_len);
    whole.iov_len = size;
    return real(request, process, address, &whole);
}
