import { dirname } from 'node:path';

/** The environment for an npm in another folder. What `npm test` says to its scripts would send it to this one instead. */
export function environmentOfNpm(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !/^npm_(?!config_(cache|registry)$)/.test(name));
  return { ...Object.fromEntries(inherited), PATH: `${dirname(process.execPath)}:${process.env['PATH']}` };
}
