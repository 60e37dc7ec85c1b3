// A TLS server of an old node release: node node.js '{"port":..., "key":..., "cert":..., "method":..., ...}'
var fs = require('fs');
var tls = require('tls');

var wanted = JSON.parse(process.argv[2]);
var options = {
    key: fs.readFileSync(wanted.key),
    cert: fs.readFileSync(wanted.cert),
    ciphers: wanted.ciphers,
    secureProtocol: wanted.method,
    honorCipherOrder: true
};
if (wanted.dhparam) options.dhparam = fs.readFileSync(wanted.dhparam);
if (wanted.curve) options.ecdhCurve = wanted.curve;
if (wanted.options) options.secureOptions = wanted.options;

var server = tls.createServer(options, function (stream) { stream.on('error', function () {}); stream.end(); });
server.on('clientError', function (error, stream) { if (stream && stream.destroy) stream.destroy(); });
server.on('tlsClientError', function () {});
process.on('uncaughtException', function (error) { console.error(error.stack); });
server.listen(wanted.port, '127.0.0.1');
