import type { Finding } from '../../doctor/finding.js';
import { SoftDeleteDoctor } from '../../doctor/soft-delete-doctor.js';
import type { Duration } from '../../options/duration.js';
import type { CliCommand } from '../cli-command.js';
import { EXIT_CODE } from '../exit-code.js';

interface DoctorFlags {
  readonly retention?: Duration | 'forever';
}

/** `soft-delete doctor` @internal */
export const doctorCommand: CliCommand = {
  name: 'doctor',
  description: 'compare the entities with the live database and say what will hurt; exits with 1 on errors',
  configure: (command) =>
    command.option(
      '--retention <duration>',
      'for entities that name none, such as 30d; by default what softDelete() in the configuration says',
    ),
  action: async ({ retention }: DoctorFlags, { orm, json, print }) => {
    const findings = await new SoftDeleteDoctor(orm, { retention }).examine();
    for (const finding of findings) {
      print(json ? { type: 'finding', ...finding } : describe(finding));
    }
    if (!json) {
      print(summarize(findings));
    }
    return findings.some(({ severity }) => severity === 'error') ? EXIT_CODE.error : EXIT_CODE.done;
  },
};

function describe({ severity, code, entity, problem, fix }: Finding): string {
  return `${severity} ${code} ${entity}\n  ${problem}\n  ${fix.replaceAll('\n', '\n  ')}`;
}

function summarize(findings: readonly Finding[]): string {
  const count = (severity: Finding['severity']) => findings.filter((finding) => finding.severity === severity).length;
  return findings.length === 0
    ? 'Nothing found.'
    : `${count('error')} errors, ${count('warning')} warnings, ${count('info')} notes.`;
}
