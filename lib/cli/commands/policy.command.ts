import { existsSync, readFileSync } from 'node:fs';
import type { EntityManager } from '@mikro-orm/postgresql';
import { configuredRetention } from '../../installation/configured-retention.js';
import { parseRetention } from '../../options/duration.js';
import { describeDeletionPolicy } from '../../policy/describe-deletion-policy.js';
import { drawDeletionPolicy } from '../../policy/draw-deletion-policy.js';
import { readPolicy } from '../../policy/read-policy.js';
import type { CliCommand } from '../cli-command.js';
import { CliError } from '../cli.error.js';
import { retentionOption } from '../duration-option.js';
import { EXIT_CODE } from '../exit-code.js';

interface PolicyFlags {
  readonly retention?: number | 'forever';
  readonly check?: string | true;
  readonly mermaid?: boolean;
}

const DEFAULT_FILE = 'DELETION_POLICY.md';

/** `soft-delete policy` @internal */
export const policyCommand: CliCommand = {
  name: 'policy',
  description: 'print the deletion policy of all entities as Markdown, to be committed; needs no database',
  examples: ['soft-delete policy > DELETION_POLICY.md', 'soft-delete policy --check', 'soft-delete policy --mermaid'],
  exitCodes: {
    [EXIT_CODE.done]: 'the policy is printed, or the file is up to date',
    [EXIT_CODE.error]: 'the file of --check is out of date, or a mark on an entity cannot work',
  },
  needsDatabase: false,
  configure: (command) =>
    command
      .addOption(retentionOption())
      .option('--check [file]', `compare with a file instead of printing, ${DEFAULT_FILE} unless named`)
      .option('--mermaid', 'print a Mermaid diagram of what a deletion takes along'),
  action: async (_args: [], flags: PolicyFlags, { orm, json, print }) => {
    const { check, mermaid } = flags;
    const configured = flags.retention ?? configuredRetention(orm.em);
    const retention = configured === undefined ? undefined : parseRetention('--retention', configured);
    if (check) {
      const file = check === true ? DEFAULT_FILE : check;
      requireSame(file, describeDeletionPolicy(orm, { retention }));
      print(json ? { type: 'check', file, upToDate: true } : `${file} is up to date.`);
      return EXIT_CODE.done;
    }
    if (json) {
      readPolicy(orm.em as EntityManager, retention).forEach((policy) => print({ type: 'policy', ...policy }));
    } else {
      print(
        mermaid ? drawDeletionPolicy(orm.em as EntityManager) : describeDeletionPolicy(orm, { retention }).trimEnd(),
      );
    }
    return EXIT_CODE.done;
  },
};

function requireSame(file: string, policy: string): void {
  if (!existsSync(file)) {
    throw new CliError(`There is no file ${file}. Write it: soft-delete policy > ${file}`);
  }
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  const current = policy.trimEnd().split('\n');
  const first = current.findIndex((line, index) => line !== lines[index]);
  const at = first === -1 && lines.length > current.length ? current.length : first;
  if (at !== -1) {
    throw new CliError(`${file} is out of date from line ${at + 1} on. Update it: soft-delete policy > ${file}`);
  }
}
