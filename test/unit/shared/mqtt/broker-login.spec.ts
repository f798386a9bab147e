import { expect, it } from 'vitest'
import { withLoginOfUrl } from '#shared/mqtt/broker-login'

it.each([
  ['mqtt://user%40site:p%3Ass@broker', { url: 'mqtt://broker', username: 'user@site', password: 'p:ss' }],
  ['mqtts://a%3Ab:c%2Fd%40e%25@broker:8883', { url: 'mqtts://broker:8883', username: 'a:b', password: 'c/d@e%' }],
  ['mqtt://user:100%@broker:1883', { url: 'mqtt://broker:1883', username: 'user', password: '100%' }],
  ['mqtt://user:%zz^@broker', { url: 'mqtt://broker', username: 'user', password: '%zz^' }],
  ['mqtt://J%C3%BCrgen:gr%C3%BC%C3%9Fe%ff@broker', { url: 'mqtt://broker', username: 'Jürgen', password: 'grüße%ff' }],
  ['ws://user:a%20b@broker/mqtt?x=1', { url: 'ws://broker/mqtt?x=1', username: 'user', password: 'a b' }],
  ['mqtt://user@broker', { url: 'mqtt://broker', username: 'user', password: 'of the setting' }],
  ['mqtt://:p%3Ass@broker', { url: 'mqtt://broker', username: 'of the setting', password: 'p:ss' }],
  ['mqtt://broker:1883', { url: 'mqtt://broker:1883', username: 'of the setting', password: 'of the setting' }],
  ['', { url: '', username: 'of the setting', password: 'of the setting' }],
])('the login in %s', (url, expected) => {
  expect(withLoginOfUrl({ url, username: 'of the setting', password: 'of the setting' })).toEqual(expected)
})
