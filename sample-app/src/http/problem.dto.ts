/** How Nest answers a request that a pipe or a guard has refused. */
export class RefusedRequestDto {
  /** @example 400 */
  statusCode!: number;

  /** What is wrong: one text, or one for each value. */
  message!: string | string[];

  /** @example "Bad Request" */
  error!: string;
}

/** A value that the database has refused, as a problem of RFC 9457. */
export class RefusedValueDto {
  /** @example "Conflict" */
  title!: string;

  /** @example 409 */
  status!: number;

  /** @example "Key (email)=(ada@example.com) already exists." */
  detail!: string;
}
