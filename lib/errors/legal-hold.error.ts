import { SoftDeleteError } from './soft-delete.error.js';

/**
 * A row that a legal hold covers was to be removed for good. Nothing was changed.
 *
 * @publicApi
 */
export class LegalHoldError extends SoftDeleteError {
  readonly code = 'LEGAL_HOLD';

  constructor(
    readonly entity: string,
    /** The holds that prevent it. */
    readonly holds: readonly { readonly id: number; readonly name: string }[],
    /** The rows that they cover, by entity. */
    readonly held: Readonly<Record<string, number>>,
  ) {
    const names = holds.map(({ id, name }) => `"${name}" (${id})`).join(', ');
    const rows = Object.entries(held).map(([name, count]) => `${name} ${count}`);
    super(
      `${entity} was not removed: ${holds.length === 1 ? 'the legal hold' : 'the legal holds'} ${names} ` +
        `${holds.length === 1 ? 'covers' : 'cover'} rows that would be removed (${rows.join(', ')}). ` +
        `Soft-delete them instead, or release ${holds.length === 1 ? 'the hold' : 'all of the holds'} first.`,
    );
  }
}
