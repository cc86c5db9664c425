import { applyDecorators, Controller, UseGuards } from '@nestjs/common';
import { ApiSecurity, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { API_KEY_HEADER, ApiKeyGuard } from './api-key.guard.js';

/** A controller for those who have the admin's key. */
export function Admin(path: string) {
  return applyDecorators(
    Controller(`admin/${path}`),
    UseGuards(ApiKeyGuard),
    ApiSecurity(API_KEY_HEADER),
    ApiTags('Admin'),
    ApiProblems(401),
  );
}
