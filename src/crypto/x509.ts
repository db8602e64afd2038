/** @peculiar/x509, with the polyfill that it wants to find loaded. Nothing else imports it directly. */
import 'reflect-metadata';

export * from '@peculiar/x509';
