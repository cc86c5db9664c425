import { Option } from 'commander';
import type { Finding } from '../../doctor/finding.js';
import { SoftDeleteDoctor } from '../../doctor/soft-delete-doctor.js';
import type { Duration } from '../../options/duration.js';
import type { CliCommand } from '../cli-command.js';
import { showCount } from '../../errors/text/show-count.js';
import { retentionOption } from '../duration-option.js';
import { EXIT_CODE } from '../exit-code.js';

interface DoctorFlags {
  readonly retention?: Duration | 'forever';
  readonly failOn: Finding['severity'];
}

const SEVERITIES: readonly Finding['severity'][] = ['error', 'warning', 'info'];

/** `soft-delete doctor` @internal */
export const doctorCommand: CliCommand = {
  name: 'doctor',
  description: 'compare the entities with the live database and report problems',
  examples: ['soft-delete doctor', 'soft-delete doctor --fail-on warning --json'],
  exitCodes: { [EXIT_CODE.done]: 'no finding is as severe as --fail-on', [EXIT_CODE.error]: 'some finding is' },
  configure: (command) =>
    command
      .addOption(retentionOption())
      .addOption(
        new Option('--fail-on <severity>', 'exit with 1 from this severity on').choices(SEVERITIES).default('error'),
      ),
  action: async (_args: [], { retention, failOn }: DoctorFlags, { orm, json, print }) => {
    const findings = await new SoftDeleteDoctor(orm, { retention }).examine();
    for (const finding of findings) {
      print(json ? { type: 'finding', ...finding } : describe(finding));
    }
    if (!json) {
      print(summarize(findings));
    }
    const severe = SEVERITIES.slice(0, SEVERITIES.indexOf(failOn) + 1);
    return findings.some(({ severity }) => severe.includes(severity)) ? EXIT_CODE.error : EXIT_CODE.done;
  },
};

function describe({ severity, code, entity, problem, fix }: Finding): string {
  return `${severity} ${code} ${entity}\n  ${problem}\n  ${fix.replaceAll('\n', '\n  ')}`;
}

function summarize(findings: readonly Finding[]): string {
  const of = (severity: Finding['severity']) => findings.filter((finding) => finding.severity === severity).length;
  return findings.length === 0
    ? 'Nothing found.'
    : `${showCount(of('error'), 'error')}, ${showCount(of('warning'), 'warning')}, ${showCount(of('info'), 'note')}.`;
}
