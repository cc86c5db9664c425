import { showValue } from '../errors/text/show-value.js';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { type Duration, parseRetention } from './duration.js';
import { refuseUnknownOptions } from './refuse-unknown-options.js';

/**
 * How deletions are recorded, where the ORM's entities include `complianceEntities()`.
 *
 * @publicApi
 */
export interface LogOptions {
  /**
   * Whether every deletion, restoration and removal needs a reason, given as its option `reason` or by `withDeletionContext()` around it. A
   * purge needs none.
   *
   * @default 'optional'
   */
  reason?: 'optional' | 'required';
  /**
   * How long records are kept. The purge removes older ones at the end of its run: whole months if the table has monthly partitions and the
   * purge's role owns it, otherwise in batches.
   *
   * @default 'forever'
   */
  retention?: Duration | 'forever';
}

/**
 * @throws SoftDeleteConfigError if an option cannot work
 * @internal
 */
export function requireLogOptions(options: LogOptions = {}): LogOptions {
  refuseUnknownOptions('log', options, ['reason', 'retention'], 'log.');
  const { reason, retention } = options;
  if (reason !== undefined && reason !== 'optional' && reason !== 'required') {
    throw new SoftDeleteConfigError(
      'log.reason',
      `${showValue(reason)} is not a setting.`,
      "Write 'optional' or 'required'.",
    );
  }
  if (retention !== undefined) {
    parseRetention('log.retention', retention);
  }
  return { ...(reason === undefined ? {} : { reason }), ...(retention === undefined ? {} : { retention }) };
}
