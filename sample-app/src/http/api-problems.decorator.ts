import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import { SoftDeleteProblemDto } from 'nestjs-mikro-orm-soft-delete';
import { RefusedRequestDto, RefusedValueDto } from './problem.dto.js';

const REQUEST = { 'application/json': { schema: { $ref: getSchemaPath(RefusedRequestDto) } } };
const PROBLEM = { 'application/problem+json': { schema: { $ref: getSchemaPath(SoftDeleteProblemDto) } } };
const VALUE = { 'application/problem+json': { schema: { $ref: getSchemaPath(RefusedValueDto) } } };

const ANSWERS = {
  400: { status: 400, description: 'A value in the request is wrong.', content: REQUEST },
  401: { status: 401, description: "The admin's key is missing or wrong.", content: REQUEST },
  404: { status: 404, description: 'There is no such row, or it is deleted.', content: PROBLEM },
  409: { status: 409, description: 'Other rows are in the way.', content: PROBLEM },
  tooLate: { status: 409, description: 'It is done, or was taken back.', content: REQUEST },
  taken: { status: 409, description: 'The value is taken.', content: VALUE },
} as const;

/** Documents with which errors a route may answer. */
export function ApiProblems(...answers: (keyof typeof ANSWERS)[]) {
  return applyDecorators(
    ApiExtraModels(SoftDeleteProblemDto, RefusedRequestDto, RefusedValueDto),
    ...answers.map((answer) => ApiResponse(ANSWERS[answer])),
  );
}
