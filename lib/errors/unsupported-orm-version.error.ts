import { SoftDeleteError } from './soft-delete.error.js';

/**
 * The MikroORM that is installed is one that this package was not tested with, is made of several versions, or lacks a part that this
 * package needs. Thrown at start-up,
 * before any query: with a version whose filters work differently, reads would show deleted rows.
 *
 * @publicApi
 */
export class UnsupportedOrmVersionError extends SoftDeleteError {
  readonly code = 'UNSUPPORTED_ORM_VERSION';

  constructor(
    /** The version of each package that was found, by its name. */
    readonly found: Readonly<Record<string, string>>,
    /** The versions that are supported. */
    readonly supported: string,
    /** What this package needs of MikroORM and did not find, such as `EntityLoader.findChildren is missing`. */
    readonly missing: readonly string[] = [],
  ) {
    super(explain(found, supported, missing));
  }
}

function explain(found: Readonly<Record<string, string>>, supported: string, missing: readonly string[]): string {
  const list = Object.entries(found)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');
  if (new Set(Object.values(found)).size > 1) {
    return `The packages of MikroORM have different versions: ${list}. Install one version of all of them, ${supported}; \`npm ls @mikro-orm/core\` shows who asks for which.`;
  }
  const version = Object.values(found)[0];
  const [problem, advice] =
    missing.length === 0
      ? ['is not supported', 'a version']
      : [`lacks what this package needs: ${missing.join('; ')}`, 'another version'];
  return `MikroORM ${version} ${problem} (found ${list}). Install ${advice} in ${supported} of all @mikro-orm packages, or a version of nestjs-mikro-orm-soft-delete that supports this one.`;
}
