import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiResponse, getSchemaPath } from '@nestjs/swagger';

/** What the client did wrong, as in RFC 9457. */
export class ProblemDto {
  /** @example Conflict */
  title!: string;

  /** @example 409 */
  status!: number;

  /** @example RESTORE_CONFLICT */
  code?: string;

  /** What happened and what to do about it. */
  detail!: string;

  /** What stands in the way of a restoration. */
  conflicts?: object[];

  /** What stands in the way of a deletion. */
  restrictions?: object[];
}

const DESCRIPTIONS = {
  400: 'A value in the request is wrong.',
  401: "The admin's key is missing or wrong.",
  404: 'There is no such row, or it is deleted.',
  409: 'A value is taken, or other rows stand in the way.',
} as const;

/** Documents with which errors a route may answer. */
export function ApiProblems(...statuses: (keyof typeof DESCRIPTIONS)[]) {
  const content = { 'application/problem+json': { schema: { $ref: getSchemaPath(ProblemDto) } } };
  return applyDecorators(
    ApiExtraModels(ProblemDto),
    ...statuses.map((status) =>
      ApiResponse({
        status,
        description: DESCRIPTIONS[status],
        ...(status === 404 || status === 409 ? { content } : {}),
      }),
    ),
  );
}
