import { showValue } from '../errors/show-value.js';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { refuseUnknownOptions } from './refuse-unknown-options.js';

/**
 * How deletions are recorded, where the ORM's entities include `complianceEntities()`.
 *
 * @publicApi
 */
export interface LogOptions {
  /**
   * Whether every deletion, restoration and removal has to say why: by its `reason`, or by `withDeletionContext()` around it. A purge
   * needs none.
   *
   * @default 'optional'
   */
  reason?: 'optional' | 'required';
}

/**
 * @throws SoftDeleteConfigError if an option cannot work
 * @internal
 */
export function requireLogOptions(options: LogOptions = {}): LogOptions {
  refuseUnknownOptions('log', options, ['reason'], 'log.');
  const { reason } = options;
  if (reason !== undefined && reason !== 'optional' && reason !== 'required') {
    throw new SoftDeleteConfigError(
      'log.reason',
      `${showValue(reason)} is not a setting.`,
      "Write 'optional' or 'required'.",
    );
  }
  return reason === undefined ? {} : { reason };
}
