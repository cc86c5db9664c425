import { type DynamicModule, Module } from '@nestjs/common';
import { ADMIN_API_KEY } from './api-key.guard.js';

/** What `ApiKeyGuard` needs wherever it guards. */
@Module({})
export class ApiKeyModule {
  static holding(key: string): DynamicModule {
    return { module: ApiKeyModule, providers: [{ provide: ADMIN_API_KEY, useValue: key }], exports: [ADMIN_API_KEY] };
  }
}
