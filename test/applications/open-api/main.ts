import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { OtherController, PeopleController } from './people.controller.js';

@Module({ controllers: [PeopleController, OtherController] })
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
console.log(JSON.stringify(SwaggerModule.createDocument(app, new DocumentBuilder().build())));
