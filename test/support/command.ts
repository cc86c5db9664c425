import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CompiledLibrary } from './compiled-library.js';

/** What a command has printed, and how it ended. */
export interface CommandResult {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Makes the folder of the library one of an application that configures its ORM in a file. */
export function writeApplication({ folder }: CompiledLibrary, configuration: string): void {
  writeFileSync(join(folder, 'mikro-orm.config.js'), configuration);
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({
      type: 'module',
      version: '1.2.3',
      dependencies: { '@mikro-orm/cli': '*' },
      'mikro-orm': { configPaths: ['./mikro-orm.config.js'] },
    }),
  );
}

/** What a process that runs compiled code of the library is given as its environment. */
export function environmentOf({ folder }: CompiledLibrary): NodeJS.ProcessEnv {
  return { ...process.env, NODE_OPTIONS: '', NODE_COMPILE_CACHE: join(folder, 'cache') };
}

/** Runs `soft-delete` in the folder of the library. */
export function runCommand(
  library: CompiledLibrary,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<CommandResult> {
  return runProgram(library, process.execPath, [join(library.folder, 'lib/cli/main.js'), ...args], environment);
}

/** Has a shell run a line in the folder of the library. */
export function runShell(library: CompiledLibrary, line: string): Promise<CommandResult> {
  return runProgram(library, 'bash', ['-c', line]);
}

function runProgram(
  library: CompiledLibrary,
  program: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: library.folder,
      env: { ...environmentOf(library), ...environment },
    });
    let [out, err] = ['', ''];
    child.stdout.on('data', (data) => (out += data));
    child.stderr.on('data', (data) => (err += data));
    child.on('close', (code) => resolve({ code, out, err }));
  });
}
