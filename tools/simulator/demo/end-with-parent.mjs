// JavaScript, because the first TypeScript makes Node load its compiler: 15 MB and 100 ms in a process that may be measured.
// Preloaded into the demo's children: should the demo be killed without a chance to stop them, they stop themselves.
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'))
// The channel alone must not keep a child alive.
process.channel?.unref()
