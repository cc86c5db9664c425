import { SoftDeleteError } from './soft-delete.error.js';

/**
 * The MikroORM that is installed is one that this package was not tested with, or is made of several versions. Thrown at start-up,
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
  ) {
    const list = Object.entries(found).map(([name, version]) => `${name} ${version}`);
    const isMixed = new Set(Object.values(found)).size > 1;
    super(
      isMixed
        ? `The packages of MikroORM have different versions: ${list.join(', ')}. Install one version of all of them, ${supported}; \`npm ls @mikro-orm/core\` shows who asks for which.`
        : `MikroORM ${Object.values(found)[0]} is not supported (found ${list.join(', ')}). Install a version in ${supported} of all @mikro-orm packages, or a version of nestjs-mikro-orm-soft-delete that supports this one.`,
    );
  }
}
