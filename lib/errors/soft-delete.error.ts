/**
 * The base of every error that this package throws on purpose.
 *
 * @publicApi
 */
export abstract class SoftDeleteError extends Error {
  /** A stable identifier of the kind of error, for code that branches on it or logs it. */
  abstract readonly code: string;

  protected constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}
